// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import Testing

/// The table itself: mistakes in it that no single request would show.
@Suite struct GrammarTests {
    @Test("the built-in types are these")
    func types() { #expect(catalog.entries.map(\.type.rawValue) == builtInTypes) }

    @Test("names are ASCII, each once, and never both allowed and refused", arguments: builtInTypes)
    func names(type: String) throws {
        let entry = try catalog.entry(FilesystemType(rawValue: type))
        let names = entry.options.map(\.name)
        #expect(Set(names).count == names.count)
        for name in names {
            #expect(
                name.utf8.allSatisfy {
                    $0 == 0x5F || $0 == 0x2D || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                        || (0x61...0x7A).contains($0)
                })
            #expect(!entry.refused.contains { $0.name == name }, "\(name)")
        }
    }

    @Test("every rule refers only to options of its type, in canonical form", arguments: builtInTypes)
    func references(type: String) throws {
        let entry = try catalog.entry(FilesystemType(rawValue: type))
        let rules = Dictionary(uniqueKeysWithValues: entry.options.map { ($0.name, $0) })
        for rule in entry.options {
            for required in rule.requires { #expect(rules[required] != nil, "\(rule.name)") }
            for value in [rule.bareValue, rule.kernelDefault].compactMap(\.self) {
                let parsed = try canonical(type, ["\(rule.name)=\(value)"])
                #expect(parsed == (value == rule.kernelDefault ? [] : ["\(rule.name)=\(value)"]), "\(rule.name)")
            }
            if case .standsFor(let targets) = rule.effect {
                for target in targets {
                    let effect = rules[target.name]?.effect
                    #expect(effect == .superblock || effect == .nothing, "\(rule.name)")
                }
            }
            #expect(!rule.summary.isEmpty && !rule.summary.contains("|"))
        }
        for option in entry.defaultOptions {
            #expect(rules[option.name]?.effect == .superblock)
            #expect(try canonical(type, [option.description]) == [])
        }
        if case .writableWith(let option) = entry.access { #expect(rules[option] != nil) }
    }

    @Test("a catalog is a value that can be extended")
    func extended() throws {
        let entry = FilesystemEntry(
            type: FilesystemType(rawValue: "lab"), summary: "A type of the administrator's.", source: .deviceOrImage,
            options: [OptionRule("label", .word(maximumLength: 8), summary: "a word")])
        let extended = FilesystemCatalog(entries: catalog.entries + [entry])
        let source = try extended.source(type: entry.type, source: "/dev/vdb", options: ["label=a-1_b.c"])
        #expect(try extended.recipe(for: source).parameters == [.string("label", "a-1_b.c")])
        for bad in ["A", "-a", "a b", "123456789", "é"] {
            #expect(throws: MountError.self) {
                try extended.source(type: entry.type, source: "/dev/vdb", options: ["label=\(bad)"])
            }
        }
        #expect(throws: MountError.self) { try catalog.entry(entry.type) }
    }
}
