// SPDX-License-Identifier: Apache-2.0

public import Filesystems
public import LinuxMount
internal import MountModel
public import SystemPackage

/// The operations that may hang, or that have the kernel parse a filesystem: done on the thread that calls them.
///
/// A worker does them in a process that can be killed; the library without a daemon in its own.
public struct MountOperations: Sendable {
    private let root: ManagedRoot
    private let parking: ParkingLot
    private let own: OwnFolders
    let reached: @Sendable (OperationStep) -> Void

    /// Binds them to a mount root.
    ///
    /// - Parameter ownFolders: which no mount may show, besides the mount root and the parking lot.
    public init(
        root: ManagedRoot, parking: ParkingLot, ownFolders: [FilePath] = [],
        reached: @escaping @Sendable (OperationStep) -> Void = { _ in }
    ) {
        self.root = root
        self.parking = parking
        own = OwnFolders(ownFolders + [parking.path, root.path])
        self.reached = reached
    }

    /// How building a mount ended.
    public enum BuildOutcome: ~Copyable {
        /// Nobody can see it before it is placed, and closing it undoes everything.
        case built(DetachedMount)
        /// It would show a folder of Holdfast's own.
        case ownFolder(OwnFolders.Shown)
    }

    /// Builds the mount detached.
    ///
    /// - Throws: the kernel's refusal, with its messages; nothing is left behind.
    public func build(_ recipe: MountRecipe) throws(SystemCallError) -> BuildOutcome {
        switch recipe.medium {
        case .folder(let path):
            switch try own.openFolder(path) {
            case .own(let shown): return .ownFolder(shown)
            case .others(let folder):
                let mount = try DetachedMount(cloning: folder)
                try mount.setAttributes(MountAttributes(recipe.attributes))
                return .built(mount)
            }
        case .none:
            return try buildFilesystem(recipe, on: nil)
        case .helper(let program):
            if let kernel = program.kernel {
                return .built(try build(recipe, from: program.source ?? "", byKernel: kernel))
            }
            throw SystemCallError(
                "unshare", .notSupported, on: "\(program.name) (a helper program needs a worker process for itself)")
        case .device(let path):
            return try buildOnDevice(path, recipe)
        case .image(let path, let readOnly):
            return try buildOnImage(path, readOnly: readOnly, recipe)
        case .deviceOrImage(let path, let readOnly):
            switch try SourceFile.kind(of: path) {
            case .blockDevice: return try buildOnDevice(path, recipe)
            case .regularFile: return try buildOnImage(path, readOnly: readOnly, recipe)
            case .folder, .other:
                throw SystemCallError("open", .init(rawValue: 15), on: "\(path) is neither a block device nor a file")
            }
        }
    }

    /// Unmounts this mount, and nothing else.
    ///
    /// - Parameter relative: its place beneath the mount root.
    /// - Throws: EINVAL for a path that is not one of names beneath the root, else the kernel's refusal.
    public func unmount(
        _ id: KernelMountID, from relative: FilePath, by means: UnmountMeans = .exactly
    ) throws(SystemCallError) -> UnmountOutcome {
        _ = try parking.keepAttached()
        return try root.target(relative).unmount(id, by: means, parking: parking)
    }

    /// Unmounts this mount in its parking slot, if nobody uses it.
    ///
    /// - Throws: the kernel's refusal.
    public func finishParked(_ id: KernelMountID) throws(SystemCallError) -> UnmountOutcome {
        _ = try parking.keepAttached()
        return switch try parking.finish(id) {
        case .unmounted: .unmounted
        case .busy: .parked
        case .absent: .absent
        case .covered(let other): .foreign(other)
        }
    }

    /// Asks the filesystem of this mount whether it is there, if the mount is on top at its place.
    ///
    /// - Throws: as ``unmount(_:from:by:)``, and the filesystem's refusal.
    public func askFilesystem(of id: KernelMountID, at relative: FilePath) throws(SystemCallError) {
        _ = try root.target(relative).askFilesystem(ofMount: id)
    }

    /// What is at the path: `folder`, or the name of the filesystem that is on the device or in the file; nil for what
    /// nothing knows.
    ///
    /// - Throws: what looking at it answers.
    public func identify(_ path: FilePath) throws(SystemCallError) -> String? {
        switch try SourceFile.kind(of: path) {
        case .folder: return "folder"
        case .blockDevice: return try BlockDevice.open(path).signature()?.rawValue
        case .regularFile:
            return try FilesystemSignature.detect(on: try LoopDevice.openImage(path, readOnly: true))?.rawValue
        case .other: return nil
        }
    }

    /// Makes the filesystem of this mount writable again, if the mount is on top at its place.
    ///
    /// - Parameter relative: its place beneath the mount root.
    /// - Throws: as ``unmount(_:from:by:)``.
    public func makeFilesystemWritable(_ id: KernelMountID, at relative: FilePath) throws(SystemCallError) {
        _ = try root.target(relative).makeFilesystemWritable(ofMount: id)
    }

    private func buildOnDevice(_ path: FilePath, _ recipe: MountRecipe) throws(SystemCallError) -> BuildOutcome {
        let device = try BlockDevice.open(path)
        if let shown = try own.folder(onDevice: device.path) { return .ownFolder(shown) }
        // For the kernel they are two devices, and neither superblock is in the other's way.
        try LoopDevice.requireUnshared(device)
        let outcome = try buildFilesystem(recipe, on: device.path)
        try device.close()
        return outcome
    }

    private func buildOnImage(
        _ path: FilePath, readOnly: Bool, _ recipe: MountRecipe
    ) throws(SystemCallError) -> BuildOutcome {
        let device: LoopDevice
        switch try own.openImage(path) {
        case .own(let shown): return .ownFolder(shown)
        case .others(let file):
            device = try LoopDevice.attach(
                image: LoopDevice.openImage(file, named: path, readOnly: readOnly), named: path, readOnly: readOnly)
        }
        reached(.loopReady)
        let outcome = try buildFilesystem(recipe, on: device.path)
        // The mount keeps the device from here on; autoclear ends it with the last of the two.
        try device.close()
        return outcome
    }

    private func buildFilesystem(
        _ recipe: MountRecipe, on device: FilePath?
    ) throws(SystemCallError) -> BuildOutcome {
        var context = try FilesystemContext(type: recipe.filesystem.rawValue)
        if let device { try context.setString("source", device.string) }
        var layers = LayerFolders()
        for parameter in recipe.parameters {
            switch parameter {
            case .flag(let name): try context.setFlag(name)
            case .string(let name, let value): try context.setString(name, value)
            case .file, .content: throw SystemCallError("fsconfig", .invalidArgument, on: "\(parameter)")
            case .paths(let name, let paths):
                if let shown = try layers.set(name, paths, in: &context, own: own) { return .ownFolder(shown) }
            }
        }
        try context.create(exclusive: recipe.exclusiveSuperblock)
        let mount = try context.mount(attributes: MountAttributes(recipe.attributes))
        _ = consume layers
        return .built(mount)
    }
}

extension MountAttributes {
    /// The kernel's numbers for a recipe's attributes; `nosuid` and `nodev` are always among them.
    package init(_ recipe: RecipeAttributes) {
        self = [.noSetUserID, .noDevices]
        if recipe.contains(.readOnly) { insert(.readOnly) }
        if recipe.contains(.noExecute) { insert(.noExecute) }
        if recipe.contains(.noAccessTime) { insert(.noAccessTime) }
        if recipe.contains(.strictAccessTime) { insert(.strictAccessTime) }
        if recipe.contains(.noDirectoryAccessTime) { insert(.noDirectoryAccessTime) }
        if recipe.contains(.noSymlinkFollow) { insert(.noSymlinkFollow) }
    }
}
