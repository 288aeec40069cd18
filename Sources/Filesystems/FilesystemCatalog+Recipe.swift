// SPDX-License-Identifier: Apache-2.0

public import MountModel
public import SystemPackage

extension FilesystemCatalog {
    /// The plan for building a mount of this source.
    ///
    /// The source is checked again: it may come from a ledger that was written by hand, or by an older version.
    ///
    /// - Parameters:
    ///   - cache: the folder for what a helper program caches, where its type does.
    ///   - secrets: what is in the files that come with the request; only a build needs them.
    /// - Throws: what `source(type:source:options:secrets:)` throws.
    public func recipe(
        for source: MountSource, cache: FilePath? = nil, secrets: [String: Secret] = [:]
    ) throws(MountError) -> MountRecipe {
        let entry = try entry(source.type)
        if case .external = entry.construction {
            throw MountError(.internal, "\(source) is not mounted by Holdfast")
        }
        let inline = source.options.filter(entry.isInline).map(\.name)
        let canonical = try self.source(
            type: source.type, source: source.source,
            options: source.options.filter { !entry.isInline($0) }.map(\.description), inline: inline)
        var given = GivenOptions()
        for option in canonical.options { given.values.updateValue(option.value, forKey: option.name) }
        let readOnly = given.contains("ro") || entry.isAlwaysReadOnly(given)

        var attributes = RecipeAttributes.always
        if readOnly { attributes.insert(.readOnly) }
        for option in canonical.options {
            if case .attribute(let attribute) = entry.rules[option.name]?.effect { attributes.formUnion(attribute) }
        }
        var parameters: [MountRecipe.Parameter] = []
        if entry.construction != .clone {
            if entry.kernelNeedsSource { parameters.append(.string("source", canonical.source)) }
            // On the superblock too: the attribute alone would leave the device and the journal writable.
            if readOnly, let option = entry.readOnlyOption { parameters.append(.flag(option)) }
            if let settings = entry.helper?.settings {
                parameters.append(.content(settings.option, settings.content(given), isSecret: false))
            }
            if let cache, let option = entry.helper?.cacheOption { parameters.append(.string(option, cache.string)) }
            parameters += (canonical.options + entry.missingDefaults(given)).sorted().compactMap {
                entry.isInline($0)
                    ? .content($0.name, secrets[$0.name]?.content ?? [], isSecret: true) : entry.parameter($0)
            }
        }
        return MountRecipe(
            // As the kernel names what is mounted.
            filesystem: entry.helper.map { FilesystemType(rawValue: $0.kernelType) } ?? entry.type,
            medium: entry.medium(canonical.source, given, readOnly: readOnly, cache: cache),
            parameters: parameters, attributes: attributes, exclusiveSuperblock: entry.hasOneSuperblockPerDevice)
    }
}

extension FilesystemEntry {
    fileprivate var readOnlyOption: String? { helper.map(\.readOnlyOption) ?? "ro" }

    /// Whether the source is told as it is; a device is by whoever opens it.
    fileprivate var kernelNeedsSource: Bool {
        guard construction == .kernel else { return false }
        return if case .deviceOrImage = source { false } else { true }
    }

    /// The grammar of the program that mounts it; nil where none does.
    fileprivate var helper: HelperGrammar? {
        if case .helper(let grammar) = construction { grammar } else { nil }
    }

    fileprivate func medium(
        _ source: String, _ given: GivenOptions, readOnly: Bool, cache: FilePath?
    ) -> MountRecipe.Medium {
        if let helper {
            let words = helper.sourceForm.words(source)
            var program = HelperProgram(
                name: helper.program, words: helper.words + (words ?? []), style: helper.style,
                source: words == nil ? helper.kernel?.plainSource(source) ?? source : nil,
                kernel: helper.kernel?.mount(of: source, given))
            program.untold = helper.settings?.files ?? []
            program.emptyFolders = helper.emptyFolders
            program.hiddenPrograms = helper.hiddenPrograms
            if helper.cacheOption != nil { program.cache = cache }
            return .helper(program)
        }
        return switch self.source {
        case .folder: .folder(FilePath(source))
        case .deviceOrImage: .deviceOrImage(FilePath(source), readOnly: readOnly)
        default: .none
        }
    }

    /// The defaults about which the caller said nothing, neither by name nor by an option that excludes them.
    fileprivate func missingDefaults(_ given: GivenOptions) -> [MountOption] {
        let groups = Set(given.values.keys.flatMap { rules[$0]?.groups ?? [] })
        return defaultOptions.filter { option in
            !given.contains(option.name) && groups.isDisjoint(with: rules[option.name]?.groups ?? [])
        }
    }

    fileprivate func parameter(_ option: MountOption) -> MountRecipe.Parameter? {
        guard let rule = rules[option.name], rule.effect == .superblock else { return nil }
        if let open = rule.openValue, option.value == open { return nil }
        guard let value = option.value else { return .flag(option.name) }
        switch rule.value {
        case .file(let isSecret): return .file(option.name, FilePath(value), isSecret: isSecret)
        case .path: return .paths(option.name, [FilePath(value)])
        case .pathList:
            // No path in the list has a ':', or the grammar would have refused it.
            return .paths(
                option.name,
                value.utf8.split(separator: UInt8(ascii: ":")).map { FilePath(String(decoding: $0, as: UTF8.self)) })
        // Some programs read a number without a leading zero as decimal, and none minds the zero.
        case .octal: return .string(option.name, value.utf8.first == UInt8(ascii: "0") ? value : "0" + value)
        default: return .string(option.name, value)
        }
    }
}
