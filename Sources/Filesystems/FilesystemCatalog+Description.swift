// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemCatalog: CustomStringConvertible {
    /// All types with their grammars, for a terminal.
    public var description: String {
        (["Options of every type:"] + CommonOptions.all.map(\.line) + entries.flatMap { [""] + $0.descriptionLines })
            .joined(separator: "\n")
    }

    /// The same as Markdown, for the documentation: a table of the types, one of the shared options, one a type.
    public var markdown: String {
        var lines = [
            "| type | source | one superblock per device | network | access | given by default |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for entry in entries {
            let defaults = entry.defaultOptions.map { "`\($0)`" }.joined(separator: " ")
            lines.append(
                "| [`\(entry.type)`](#\(entry.type)) | \(entry.source.expectation) "
                    + "| \(entry.hasOneSuperblockPerDevice ? "yes" : "no") | \(entry.isNetwork ? "yes" : "no") "
                    + "| \(entry.access.sentence) | \(defaults) |")
        }
        lines += ["", "### Every type", ""] + Self.table(CommonOptions.all)
        lines += ["", "Refused with a reason:", ""] + RefusedOption.forAllTypes.map(\.markdown)
        for entry in entries {
            lines += ["", "### \(entry.type)", "", entry.summary]
            if !entry.ownOptions.isEmpty { lines += [""] + Self.table(entry.ownOptions) }
            if !entry.refused.isEmpty { lines += ["", "Refused with a reason:", ""] + entry.refused.map(\.markdown) }
        }
        return lines.joined(separator: "\n")
    }

    private static func table(_ rules: [OptionRule]) -> [String] {
        ["| option | value | meaning |", "| --- | --- | --- |"]
            + rules.map { "| `\($0.name)` | \($0.value == .flag ? "" : $0.value.expectation) | \($0.meaning) |" }
    }
}

extension FilesystemEntry {
    /// The type, its source, and its own options, one a line, for a terminal; options of every type are left out.
    public var descriptionLines: [String] {
        var lines = ["\(type): \(summary)", "  source: \(source.expectation)", "  access: \(access.sentence)"]
        if !defaultOptions.isEmpty {
            lines.append("  given by default: \(defaultOptions.map(\.description).joined(separator: ", "))")
        }
        return lines + ownOptions.map(\.line)
    }

    fileprivate var ownOptions: [OptionRule] { options.filter { !CommonOptions.names.contains($0.name) } }
}

extension FilesystemEntry.Access {
    fileprivate var sentence: String {
        switch self {
        case .readWrite: "read-write"
        case .readOnly: "always read-only"
        case .writableWith(let option): "read-only without `\(option)`"
        }
    }
}

extension OptionRule {
    fileprivate var line: String {
        value == .flag ? "  \(name): \(meaning)" : "  \(name)=…: \(meaning) [\(value.expectation)]"
    }

    fileprivate var meaning: String {
        var parts = [summary]
        if isRequired { parts.append("must be given") }
        if let bareValue { parts.append("alone it means \(bareValue)") }
        if let kernelDefault { parts.append("the default is \(kernelDefault)") }
        if mayBeInline { parts.append("its content may come with the request") }
        if !requires.isEmpty { parts.append("needs \(requires.joined(separator: ", "))") }
        return parts.joined(separator: "; ")
    }
}

extension RefusedOption {
    fileprivate var markdown: String { "- `\(name)\(isPrefix ? "…" : "")`: \(reason)" }
}
