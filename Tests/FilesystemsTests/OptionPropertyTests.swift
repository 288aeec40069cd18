// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import MountTestSupport
import Testing

@Suite struct OptionPropertyTests {
    /// Values of which each kind accepts some.
    private static let values = [
        "0", "1", "5", "10", "64", "256", "4096", "1m", "64K", "2g", "50%", "7%", "022", "755", "1777", "on", "off",
        "auto", "never",
        "continue", "remount-ro", "journal", "zlib", "zstd:3", "zstd:9", "sync", "async", "v2", "all", "437", "cp437",
        "mixed",
        "win95", "strict", "r", "UTC", "readahead", "nofollow", "/a", "/a/b/", "b", "/a:/b", "/c/:/d:/e", "advise",
    ]

    private func randomOptions(_ entry: FilesystemEntry, using generator: inout SeededGenerator) -> [String] {
        (0..<Int.random(in: 0...6, using: &generator)).flatMap { _ -> [String] in
            guard let rule = entry.options.randomElement(using: &generator) else { return [] }
            let needed = entry.options.filter { rule.requires.contains($0.name) }
            return ([rule] + needed).map { text($0, using: &generator) }
        }
    }

    /// Often with the value that means the same as leaving it out.
    private func text(_ rule: OptionRule, using generator: inout SeededGenerator) -> String {
        if rule.value == .flag { return rule.name }
        let values = Self.values + Array(repeating: rule.kernelDefault, count: 10).compactMap { $0 }
        return "\(rule.name)=\(values.randomElement(using: &generator) ?? "")"
    }

    @Test("parsing a canonical form changes nothing, and neither order nor no-ops do", arguments: mountedTypes)
    func fixpoint(type: String) throws {
        var generator = SeededGenerator(seed: 20_240_501)
        let entry = try catalog.entry(FilesystemType(rawValue: type))
        var accepted = 0
        for _ in 0..<1500 {
            let options = randomOptions(entry, using: &generator)
            guard let source = try? parse(type, options) else { continue }
            accepted += 1
            let texts = source.options.map(\.description)
            let again = try catalog.source(type: source.type, source: source.source, options: texts)
            #expect(isSame(again, source), "\(options)")
            #expect(texts == texts.sorted() && Set(source.options.map(\.name)).count == texts.count, "\(texts)")
            let shuffled = try parse(type, (options + ["nosuid", "defaults", "nodev"]).shuffled(using: &generator))
            #expect(isSame(shuffled, source), "\(options)")
            #expect(try catalog.recipe(for: source) == (try catalog.recipe(for: again)))
        }
        // A generator that hits nothing would prove nothing.
        #expect(accepted > 100, "only \(accepted) requests were accepted")
    }

    @Test("random bytes never crash it, and what passes is canonical", arguments: builtInTypes)
    func randomBytes(type: String) throws {
        var generator = SeededGenerator(seed: 7)
        let entry = try catalog.entry(FilesystemType(rawValue: type))
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let name = entry.options.randomElement(using: &generator)?.name ?? ""
            for option in [text, "\(name)=\(text)", "\(name)\(text)", "\(text)=\(name)"] {
                if let source = try? parse(type, [option]) {
                    #expect(isSame(try parse(type, source.options.map(\.description)), source))
                }
            }
            if let source = try? parse(type, [], source: text) {
                #expect(isSame(try parse(type, [], source: source.source), source))
            }
            _ = refusal(text, [], source: text)
            _ = catalog.inferType(from: text)
            _ = catalog.type(forSignature: text)
        }
    }

    @Test("a mistyped name's own type is near: one wrong byte still finds the option", arguments: builtInTypes)
    func oneWrongByte(type: String) throws {
        let entry = try catalog.entry(FilesystemType(rawValue: type))
        let names = Set(entry.options.map(\.name))
        for rule in entry.options where rule.name.utf8.count > 4 {
            let mistyped = rule.name + "q"
            guard !names.contains(mistyped) else { continue }
            #expect(refusal(type, [mistyped])?.hint == "did you mean '\(rule.name)'?")
        }
    }
}
