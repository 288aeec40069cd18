// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import SystemPackage

/// Overlay's layers as open folders, given to a context without a path that could be swapped in between.
struct LayerFolders: ~Copyable {
    /// The descriptors, kept open until the superblock exists: kernels before 6.5 look the links up only then.
    private var descriptors: [Int32] = []

    init() {}

    /// Opens the folders and hands them to the context under the option's name.
    ///
    /// - Throws: what could not be opened, or what the kernel said.
    mutating func set(
        _ name: String, _ paths: [FilePath], in context: inout FilesystemContext
    ) throws(SystemCallError) {
        let isList = name == "lowerdir"
        var links: [String] = []
        for path in paths {
            let folder = try SourceFolder.open(path)
            // Descriptors are taken from 6.13 on; what came with 6.15 says that this kernel takes them.
            if KernelFeatures.current.hasOpenTreeAttributes {
                try context.setDescriptor(isList ? "lowerdir+" : name, folder)
            } else {
                let descriptor = folder.release()
                descriptors.append(descriptor)
                links.append("/proc/self/fd/\(descriptor)")
            }
        }
        if !links.isEmpty { try context.setString(name, links.joined(separator: ":")) }
    }

    deinit {
        for descriptor in descriptors { _ = OwnedDescriptor(owning: descriptor) }
    }
}
