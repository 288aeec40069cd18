// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import MountModel
internal import SystemPackage

extension MountError {
    /// What shows a folder of the daemon's own, as far as its path tells; a worker looks where the path leads.
    static func showingOwnFolder(_ source: MountSource, _ recipe: MountRecipe, _ own: [FilePath]) -> MountError? {
        for path in recipe.sourcePaths {
            guard let folder = own.first(where: { path.starts(with: $0) }) else { continue }
            return showingOwnFolder(source, "\(path) is in \(folder), which is Holdfast's own")
        }
        return nil
    }

    static func showingOwnFolder(_ source: MountSource, _ reason: String) -> MountError {
        MountError(
            .invalidArgument, "cannot mount \(source): \(reason)",
            context: Context(operation: "build", type: source.type.rawValue, source: source.source),
            hint: """
                a consumer must not see, or write to, what Holdfast keeps: name a folder that has neither the state \
                folder, the runtime folder nor the mount root in it, or move those ('holdfastd run --help')
                """)
    }
}

extension MountRecipe {
    /// All that it opens.
    var sourcePaths: [FilePath] {
        switch medium {
        case .none: paths
        case .device(let path), .image(let path, _), .deviceOrImage(let path, _), .folder(let path): [path] + paths
        }
    }
}
