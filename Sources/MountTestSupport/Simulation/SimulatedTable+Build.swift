// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
internal import MountModel
internal import SystemPackage

/// Building: `MountOperations.build`, with what the filesystems would say.
extension SimulatedTable {
    /// Makes a detached mount.
    ///
    /// - Parameter assumesSources: what nobody made is taken to be there, and right.
    mutating func build(
        _ recipe: MountRecipe, assumesSources: Bool
    ) throws(SystemCallError) -> MountID {
        let attributes = MountAttributes(recipe.attributes)
        switch recipe.medium {
        case .folder(let path):
            return try bind(path, attributes, assumesSources: assumesSources)
        case .none:
            for case .paths(_, let paths) in recipe.parameters where !assumesSources {
                for path in paths { _ = try lookUpFolder(path) }
            }
            return newMount(of: newFilesystem(), attributes: attributes)
        case .helper:
            // Its server is always there.
            return newMount(of: newFilesystem(), attributes: attributes)
        case .device(let path), .image(let path, _), .deviceOrImage(let path, _):
            return try buildOnMedium(path, recipe, attributes, assumesSources: assumesSources)
        }
    }

    private mutating func bind(
        _ path: FilePath, _ attributes: MountAttributes, assumesSources: Bool
    ) throws(SystemCallError) -> MountID {
        if assumesSources, (try? lookUp(SimulatedPath(path))) == nil {
            return newMount(of: newFilesystem(), attributes: attributes)
        }
        let place = try lookUpFolder(path)
        guard let mount = mounts[place.mount] else { throw SystemCallError("open_tree", .invalidArgument) }
        return newMount(
            of: mount.filesystem, root: place.folder, attributes: mount.attributes.union(attributes))
    }

    private func lookUpFolder(_ path: FilePath) throws(SystemCallError) -> SimulatedPlace {
        let place = try translating("openat2") { () throws(Errno) in try lookUp(SimulatedPath(path)) }
        guard isFolder(place) else { throw SystemCallError("openat2", .notDirectory) }
        return place
    }

    private mutating func buildOnMedium(
        _ path: FilePath, _ recipe: MountRecipe, _ attributes: MountAttributes, assumesSources: Bool
    ) throws(SystemCallError) -> MountID {
        if assumesSources, (try? lookUp(SimulatedPath(path))) == nil {
            return newMount(of: newFilesystem(), attributes: attributes)
        }
        let place = try translating("openat2") { () throws(Errno) in try lookUp(SimulatedPath(path)) }
        let source: SimulatedSource
        var image: SimulatedImage?
        switch node(at: place)?.content {
        case .device(let content): source = content
        case .file(let content):
            source = content
            image = try loopDevice(over: place, isReadOnly: recipe.isReadOnly)
        case .folder, nil: throw SystemCallError("open", Errno(rawValue: 15))
        }
        guard source == .filesystem(recipe.filesystem.rawValue) else {
            throw SystemCallError("fsconfig", .invalidArgument)
        }
        return newMount(of: newFilesystem(image: image), attributes: attributes)
    }

    /// A free loop device: none where another that writes has the file, and none where there are none left.
    private func loopDevice(
        over place: SimulatedPlace, isReadOnly: Bool
    ) throws(SystemCallError) -> SimulatedImage {
        let image = SimulatedImage(
            filesystem: mounts[place.mount]?.filesystem ?? 0, path: place.folder, isReadOnly: isReadOnly)
        let others = images
        if others.contains(where: image.forbids) { throw SystemCallError("LOOP_CONFIGURE", .resourceBusy) }
        if let limit = loopDeviceLimit, others.count >= limit { throw SystemCallError("LOOP_CTL_GET_FREE", .noSpace) }
        return image
    }
}

extension MountRecipe {
    fileprivate var isReadOnly: Bool {
        switch medium {
        case .image(_, let readOnly), .deviceOrImage(_, let readOnly): readOnly
        case .none, .device, .folder, .helper: attributes.contains(.readOnly)
        }
    }
}

extension MountAttributes {
    /// The kernel's bits for a recipe's.
    init(_ attributes: RecipeAttributes) {
        let pairs: [(RecipeAttributes, MountAttributes)] = [
            (.readOnly, .readOnly), (.noExecute, .noExecute), (.noAccessTime, .noAccessTime),
            (.strictAccessTime, .strictAccessTime), (.noDirectoryAccessTime, .noDirectoryAccessTime),
            (.noSymlinkFollow, .noSymlinkFollow),
        ]
        self = pairs.reduce([.noSetUserID, .noDevices]) { attributes.contains($1.0) ? $0.union($1.1) : $0 }
    }
}
