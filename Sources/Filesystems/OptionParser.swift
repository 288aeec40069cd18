// SPDX-License-Identifier: Apache-2.0

import MountModel

/// Reads a request's options by one type's grammar.
struct OptionParser {
    /// At most this many options of one request.
    static let maximumCount = 64
    /// At most this many bytes of a name.
    static let maximumNameLength = 255
    /// At most this many bytes of a value (`PATH_MAX` less the NUL, `man 3 limits.h`).
    static let maximumValueLength = 4095

    /// The type whose grammar it is.
    let entry: FilesystemEntry

    /// The options in canonical form: sorted, each named once, no-ops and defaults left out.
    ///
    /// - Parameter inline: the options whose files come with the request.
    /// - Throws: `invalid_argument`, which names the option and says what is wrong with it.
    func canonical(_ texts: [String], inline: [String] = []) throws(MountError) -> [MountOption] {
        var given = try read(texts)
        try add(inline, to: &given)
        try checkTogether(given)
        let options = given.values.map { MountOption($0.key, $0.value) }
        let kept = options.filter { !isNoOp($0, given: given) }
        // What says nothing by itself is said where another one needs it beside it.
        let needed = Set(kept.flatMap { entry.rules[$0.name]?.requires ?? [] }).subtracting(kept.map(\.name))
        return (kept + options.filter { needed.contains($0.name) }).sorted()
    }

    /// The names that each of these texts stands for.
    func names(in texts: [String]) throws(MountError) -> [(text: String, names: Set<String>)] {
        var found: [(text: String, names: Set<String>)] = []
        for text in texts { found.append((text, Set(try read([text]).values.keys))) }
        return found
    }

    // MARK: One option

    private func read(_ texts: [String]) throws(MountError) -> GivenOptions {
        if texts.count > Self.maximumCount {
            throw .invalidArgument("there are \(texts.count) options; at most \(Self.maximumCount) are allowed")
        }
        var given = GivenOptions()
        for text in texts {
            let (name, value) = try Self.split(text)
            let rule = try rule(named: name)
            let option = MountOption(rule.name, try canonicalValue(value, of: rule))
            for target in try targets(of: rule, option: option) {
                if given.contains(target.name), !Self.isSame(given.value(of: target.name), target.value) {
                    let other = MountOption(target.name, given.value(of: target.name))
                    throw .invalidArgument(
                        "option '\(target.name)' is given twice: '\(Self.shown(other))' and '\(Self.shown(target))'",
                        hint: "give it once")
                }
                given.values.updateValue(target.value, forKey: target.name)
            }
        }
        return given
    }

    private func add(_ inline: [String], to given: inout GivenOptions) throws(MountError) {
        for name in inline {
            let rule = try rule(named: name)
            if rule.isConfiguration {
                throw .invalidArgument(
                    "option '\(name)' of type '\(entry.type)' does not come with a request: its file can say what else "
                        + "is done as root",
                    hint: "give the path of a file: \(rule.value.expectation)")
            }
            guard rule.mayBeInline else {
                let secrets = entry.options.filter(\.mayBeInline).map(\.name).sorted()
                throw .invalidArgument(
                    "option '\(name)' of type '\(entry.type)' takes no secret",
                    hint: secrets.isEmpty
                        ? "none of its options does" : "those that do: \(secrets.joined(separator: ", "))")
            }
            if given.contains(name) {
                throw .invalidArgument(
                    "option '\(name)' is given twice: as a path and as a secret", hint: "give it once")
            }
            given.values.updateValue(FilesystemEntry.inlineValue, forKey: name)
        }
    }

    /// Splits at the first `=` byte: a combining mark behind it would hide it from a look at characters.
    private static func split(_ text: String) throws(MountError) -> (name: String, value: String?) {
        let bytes = text.utf8
        let separator = bytes.firstIndex(of: UInt8(ascii: "=")) ?? bytes.endIndex
        let name = String(decoding: bytes[..<separator], as: UTF8.self)
        if name.isEmpty {
            throw .invalidArgument(
                text.isEmpty ? "an option is empty" : "the option '\(InputText.quoted(text))' has no name")
        }
        try InputText.check(name, as: "option's name", maximumLength: maximumNameLength)
        if name.utf8.contains(UInt8(ascii: ",")) {
            throw .invalidArgument(
                "the option '\(InputText.quoted(name))' has a comma in its name", hint: "give each option by itself")
        }
        guard separator < bytes.endIndex else { return (name, nil) }
        return (name, String(decoding: bytes[bytes.index(after: separator)...], as: UTF8.self))
    }

    private func rule(named name: String) throws(MountError) -> OptionRule {
        // Only ASCII may be looked up: text is compared by meaning, and other scalars can mean an ASCII letter.
        if name.utf8.allSatisfy({ $0 < 0x80 }), let rule = entry.rules[name] { return rule }
        if let refused = (entry.refused + RefusedOption.forAllTypes).first(where: { $0.matches(name) }) {
            throw .invalidArgument(
                "option '\(InputText.quoted(name))' of type '\(entry.type)' is refused: \(refused.reason)")
        }
        if case .external = entry.construction {
            throw .invalidArgument(
                "type '\(entry.type)' has no option '\(InputText.quoted(name))'",
                hint: "it has none: whoever mounts it has chosen them")
        }
        let names = entry.options.map(\.name).sorted()
        let nearest = NearestName.find(name, among: names)
        throw .invalidArgument(
            "type '\(entry.type)' has no option '\(InputText.quoted(name))'",
            hint: nearest.map { "did you mean '\($0)'?" } ?? "it has \(names.joined(separator: ", "))")
    }

    private func canonicalValue(_ value: String?, of rule: OptionRule) throws(MountError) -> String? {
        if rule.isSecret {
            throw .invalidArgument(
                "option '\(rule.name)' is a credential and is not taken among the options",
                hint: "give credentials by reference")
        }
        guard let value = value ?? rule.bareValue else {
            if rule.value == .flag { return nil }
            throw .invalidArgument(
                "option '\(rule.name)' needs a value: \(rule.value.expectation)", hint: "write \(rule.name)=VALUE")
        }
        if rule.value == .flag {
            throw .invalidArgument(
                "option '\(rule.name)' takes no value; it has '\(InputText.quoted(value))'",
                hint: "write '\(rule.name)' alone")
        }
        do throws(MountError) {
            return try Self.checked(value, of: rule)
        } catch {
            guard rule.value == .file(isSecret: true) else { throw error }
            // It may be the credential itself, given in its file's place.
            var error = error
            error.message = error.message.replacing("'\(InputText.quoted(value))'", with: "'***'")
            throw error
        }
    }

    private static func checked(_ value: String, of rule: OptionRule) throws(MountError) -> String {
        try InputText.check(value, as: "value of option '\(rule.name)'", maximumLength: maximumValueLength)
        if value.utf8.contains(UInt8(ascii: ",")) {
            throw .invalidArgument(
                "option '\(rule.name)' has a comma in its value '\(InputText.quoted(value))'",
                hint: "give each option by itself")
        }
        return try rule.value.canonical(value, option: rule.name)
    }

    private func targets(of rule: OptionRule, option: MountOption) throws(MountError) -> [MountOption] {
        guard case .standsFor(let targets) = rule.effect else { return [option] }
        return targets.map { MountOption($0.name, $0.value ?? option.value) }
    }

    // MARK: All options together

    private func checkTogether(_ given: GivenOptions) throws(MountError) {
        var holders: [String: String] = [:]
        for name in given.values.keys.sorted() {
            guard let rule = entry.rules[name] else { continue }
            for group in rule.groups {
                if let holder = holders.updateValue(name, forKey: group) {
                    throw .invalidArgument(
                        "options '\(holder)' and '\(name)' contradict each other", hint: "give one of them")
                }
            }
            for required in rule.requires where !given.contains(required) {
                throw .invalidArgument("option '\(name)' needs option '\(required)' beside it")
            }
        }
        for rule in entry.options where rule.isRequired && !given.contains(rule.name) {
            throw .invalidArgument(
                "type '\(entry.type)' needs option '\(rule.name)'", hint: "\(rule.name) is \(rule.value.expectation)")
        }
        if given.contains("rw"), entry.isAlwaysReadOnly(given) {
            if case .writableWith(let option) = entry.access {
                throw .invalidArgument("option 'rw' needs option '\(option)': without it the mount is read-only")
            }
            throw .invalidArgument("option 'rw' cannot be had: '\(entry.type)' is always read-only")
        }
        try entry.check(given)
    }

    private func isNoOp(_ option: MountOption, given: GivenOptions) -> Bool {
        guard let rule = entry.rules[option.name] else { return false }
        if entry.defaultOptions.contains(option) || entry.saysNothing(option, given) { return true }
        switch rule.effect {
        case .nothing: return true
        case .readOnly: return entry.isAlwaysReadOnly(given)
        default: return option.value != nil && option.value == rule.kernelDefault
        }
    }

    /// By bytes: two spellings of one letter are two files.
    private static func isSame(_ left: String?, _ right: String?) -> Bool {
        left.map { Array($0.utf8) } == right.map { Array($0.utf8) }
    }

    private static func shown(_ option: MountOption) -> String { InputText.quoted(option.description) }
}

extension FilesystemEntry {
    /// Whether a mount with these options is read-only even if they do not say so.
    func isAlwaysReadOnly(_ given: GivenOptions) -> Bool {
        switch access {
        case .readWrite: false
        case .readOnly: true
        case .writableWith(let option): !given.contains(option)
        }
    }
}
