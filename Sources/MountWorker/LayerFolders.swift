// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import SystemPackage

/// Overlay's layers as open folders, given to a context without a path that could be swapped in between.
struct LayerFolders: ~Copyable {
    /// The descriptors, kept open until the superblock exists: kernels before 6.5 look the links up only then.
    private var descriptors: [Int32] = []

    init() {}

    /// Opens the folders and hands them to the context under the option's name, up to one that shows a folder of
    /// Holdfast's own.
    ///
    /// - Returns: that one, with which no mount is to be made.
    /// - Throws: what could not be opened, or what the kernel said.
    mutating func set(
        _ name: String, _ paths: [FilePath], in context: inout FilesystemContext, own: OwnFolders
    ) throws(SystemCallError) -> OwnFolders.Shown? {
        let isList = name == "lowerdir"
        var links: [String] = []
        for path in paths {
            switch try own.openFolder(path) {
            case .own(let shown): return shown
            // Descriptors are taken from 6.13 on; what came with 6.15 says that this kernel takes them.
            case .others(let folder) where KernelFeatures.current.hasOpenTreeAttributes:
                try context.setDescriptor(isList ? "lowerdir+" : name, folder)
            case .others(let folder):
                let descriptor = folder.release()
                descriptors.append(descriptor)
                links.append("/proc/self/fd/\(descriptor)")
            }
        }
        if !links.isEmpty { try context.setString(name, links.joined(separator: ":")) }
        return nil
    }

    deinit {
        for descriptor in descriptors { _ = OwnedDescriptor(owning: descriptor) }
    }
}
