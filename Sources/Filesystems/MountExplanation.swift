// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// How a source is mounted and with what, for a person who wants to know before it is done.
public struct MountExplanation: Hashable, Sendable {
    /// Who mounts it.
    public var method: Method
    /// The program that does; nil where none does.
    public var program: String?
    /// Whether the kernel can do without the program.
    public var kernelSuffices: Bool
    /// What the filesystem, or its program, is told: `name` or `name=value`, a secret's value as `***`.
    public var superblock: [String]
    /// The mount's own attributes.
    public var mount: [String]
    /// What of both nobody has asked for.
    public var added: [String]
    /// What was asked for and holds anyway.
    public var ignored: [String]
    /// The server that it waits for, and whose limit counts; nil where there is none.
    public var server: String?

    /// Who mounts a source.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        /// The kernel.
        case kernel
        /// The kernel: a block device, or an image file through a loop device.
        case deviceOrImage = "device_or_image"
        /// The kernel, by a copy of the folder's mount.
        case bind
        /// A program of the type's own.
        case helper
        /// Somebody else, who has done it already.
        case external
    }
}

extension FilesystemCatalog {
    /// How a source is mounted.
    ///
    /// - Parameters:
    ///   - source: in canonical form.
    ///   - options: as they were asked for, when the source was made of them.
    /// - Throws: what `source(type:source:options:secrets:)` throws.
    public func explanation(of source: MountSource, askedFor options: [String]) throws(MountError) -> MountExplanation {
        let entry = try entry(source.type)
        let asked = try OptionParser(entry: entry).names(in: options)
        let kept = Set(source.options.map(\.name))
        let ignored = asked.filter { $0.names.isDisjoint(with: kept) }.map(\.text)
        let server = typesWithServer.contains(entry.type) ? self.server(of: source)?.string : nil
        var explanation = MountExplanation(
            method: entry.method, program: nil, kernelSuffices: false, superblock: [], mount: [], added: [],
            ignored: ignored, server: server)
        if explanation.method == .external { return explanation }
        let recipe = try recipe(for: source)
        if case .helper(let program) = recipe.medium {
            explanation.program = program.name
            explanation.kernelSuffices = program.kernel != nil
        }
        // What it is on is no option.
        let told = recipe.parameters.filter { $0.name != "source" || entry.rules["source"] != nil }
        explanation.superblock = told.map(\.description)
        explanation.mount = recipe.attributes.names
        let known = kept.union(asked.flatMap(\.names))
        var added = told.filter { !known.contains($0.name) }.map(\.description)
        for name in explanation.mount where !known.contains(name) && !added.contains(name) { added.append(name) }
        explanation.added = added
        return explanation
    }
}

extension FilesystemEntry {
    fileprivate var method: MountExplanation.Method {
        switch construction {
        case .kernel: source == .deviceOrImage ? .deviceOrImage : .kernel
        case .clone: .bind
        case .helper: .helper
        case .external: .external
        }
    }
}

extension RecipeAttributes {
    /// Their names as `man 8 mount` has them.
    fileprivate var names: [String] {
        let all: [(RecipeAttributes, String)] = [
            (.noSetUserID, "nosuid"), (.noDevices, "nodev"), (.readOnly, "ro"), (.noExecute, "noexec"),
            (.noAccessTime, "noatime"), (.strictAccessTime, "strictatime"), (.noDirectoryAccessTime, "nodiratime"),
            (.noSymlinkFollow, "nosymfollow"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

extension MountRecipe.Parameter {
    fileprivate var name: String {
        switch self {
        case .flag(let name), .string(let name, _), .paths(let name, _), .file(let name, _, _),
            .content(let name, _, _):
            name
        }
    }
}
