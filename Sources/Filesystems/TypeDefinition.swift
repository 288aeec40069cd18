// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What an administrator's configuration says about a type: a new one, or more options of one that is built in.
public struct TypeDefinition: Hashable, Sendable {
    /// The type's name.
    public var name: String
    /// `external` or `helper` for a new type; nil for one that is built in.
    public var kind: String?
    /// How the mount table names it; nil where that is the type's name.
    public var filesystem: String?
    /// The helper's program; nil means `mount.` and the type's name.
    public var program: String?
    /// What its source is: one of ``sourceNames``; nil means a text.
    public var source: String?
    /// Each `name` for a flag, or `name=kind`, with one of ``optionKinds``.
    public var options: [String]

    /// Puts the parts together.
    public init(
        name: String, kind: String? = nil, filesystem: String? = nil, program: String? = nil, source: String? = nil,
        options: [String] = []
    ) {
        self.name = name
        self.kind = kind
        self.filesystem = filesystem
        self.program = program
        self.source = source
        self.options = options
    }

    /// What a source can be, by the name that the configuration has for it.
    public static let sourceNames: [String: SourceGrammar] = [
        "name": .name, "text": .text, "folder": .folder, "host_folder": .onHost(user: false),
        "user_host_folder": .onHost(user: true), "volume": .volume, "share": .share, "bucket": .bucket, "url": .url,
        "remote": .remote,
    ]

    /// What an option's value can be, likewise.
    public static let optionKinds: [String: OptionValue] = [
        "number": .integer(-(1 << 53)...(1 << 53)), "size": .size(0...(1 << 60)), "octal": .octal(0...0o7777),
        "name": .name(maximumLength: 255), "url": .url, "file": .file(isSecret: false),
        "secret_file": .file(isSecret: true),
    ]
}

extension FilesystemCatalog {
    /// This catalog with an administrator's types and options.
    ///
    /// - Throws: `invalid_argument`, which names the type and what is wrong with it.
    public func adding(_ definitions: [TypeDefinition]) throws(MountError) -> FilesystemCatalog {
        var added: [FilesystemEntry] = []
        for definition in definitions {
            do throws(MountError) {
                if let entry = entries.first(where: { $0.type.rawValue == definition.name }) {
                    added.append(try entry.extended(by: definition))
                } else {
                    added.append(try FilesystemEntry(definition))
                }
            } catch {
                throw .invalidArgument(
                    "the type '\(InputText.quoted(definition.name))': \(error.message)", hint: error.hint)
            }
        }
        return FilesystemCatalog(entries: entries + added)
    }
}

extension FilesystemEntry {
    /// A new type.
    fileprivate init(_ definition: TypeDefinition) throws(MountError) {
        let name = try OptionValue.word(maximumLength: 32).canonical(definition.name, option: "name")
        let sourceName = definition.source ?? "text"
        guard let source = TypeDefinition.sourceNames[sourceName] else {
            throw .invalidArgument(
                "its source is '\(InputText.quoted(sourceName))'",
                hint: "one of \(TypeDefinition.sourceNames.keys.sorted().joined(separator: ", "))")
        }
        let kernelType = try OptionValue.name(maximumLength: 64).canonical(
            definition.filesystem ?? name, option: "filesystem")
        let construction: Construction
        switch definition.kind {
        case "external":
            guard definition.options.isEmpty, definition.program == nil else {
                throw .invalidArgument("what somebody else mounts has neither a program nor options")
            }
            construction = .external(kernelType: kernelType)
        case "helper":
            let program = try OptionValue.name(maximumLength: 64).canonical(
                definition.program ?? "mount.\(name)", option: "program")
            guard program.utf8.starts(with: "mount.".utf8) else {
                throw .invalidArgument("its program is '\(program)'", hint: "a program's name begins with 'mount.'")
            }
            construction = .helper(
                HelperGrammar(program: program, kernelType: kernelType, style: .mountHelper))
        default:
            throw .invalidArgument(
                definition.kind.map { "its kind is '\(InputText.quoted($0))'" }
                    ?? "it is not built in, and has no kind",
                hint: "a kind is 'external' or 'helper'")
        }
        let isExternal = definition.kind == "external"
        self.init(
            type: FilesystemType(rawValue: name), summary: "A type of the configuration.", source: source,
            construction: construction, isNetwork: true,
            options: isExternal ? [] : CommonOptions.all + (try OptionRule.rules(definition.options, besides: [])))
    }

    /// A type that is built in, with more options.
    fileprivate func extended(by definition: TypeDefinition) throws(MountError) -> FilesystemEntry {
        guard definition.kind == nil, definition.filesystem == nil, definition.program == nil, definition.source == nil
        else { throw .invalidArgument("it is built in: only options can be added") }
        if case .external = construction {
            throw .invalidArgument("what somebody else mounts has no options")
        }
        let rules = try OptionRule.rules(definition.options, besides: options)
        return FilesystemEntry(
            type: type, summary: summary, source: source, construction: construction, isNetwork: isNetwork,
            hasOneSuperblockPerDevice: hasOneSuperblockPerDevice, access: access, defaultOptions: defaultOptions,
            options: options + rules, refused: refused, check: check, saysNothing: saysNothing)
    }
}

extension OptionRule {
    /// The rules of options as the configuration writes them.
    fileprivate static func rules(
        _ texts: [String], besides known: [OptionRule]
    ) throws(MountError) -> [OptionRule] {
        var names = Set(known.map(\.name)).union(CommonOptions.names).union(["suid", "dev"])
        var rules: [OptionRule] = []
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = try OptionValue.name(maximumLength: 64).canonical(parts[0], option: "options")
            guard names.insert(name).inserted else {
                throw .invalidArgument(
                    "the option '\(name)' is there already, or is one that no administrator can allow")
            }
            if parts.count == 1 {
                rules.append(OptionRule(name, summary: "an option of the configuration"))
                continue
            }
            guard let value = TypeDefinition.optionKinds[parts[1]] else {
                throw .invalidArgument(
                    "the option '\(name)' has the kind '\(InputText.quoted(parts[1]))'",
                    hint:
                        "one of \(TypeDefinition.optionKinds.keys.sorted().joined(separator: ", ")), or none for a flag"
                )
            }
            rules.append(OptionRule(name, value, summary: "an option of the configuration"))
        }
        return rules
    }
}
