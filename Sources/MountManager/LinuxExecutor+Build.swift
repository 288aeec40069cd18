// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
internal import MountModel
internal import SystemPackage

extension LinuxExecutor {
    /// Builds the mount detached: nobody can see it before it is placed, and closing it undoes everything.
    func buildMount(_ recipe: MountRecipe) throws(SystemCallError) -> DetachedMount {
        switch recipe.medium {
        case .folder(let path):
            let mount = try DetachedMount(cloning: path)
            try mount.setAttributes(attributes(of: recipe))
            return mount
        case .none:
            return try buildFilesystem(recipe, on: nil)
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

    private func buildOnDevice(_ path: FilePath, _ recipe: MountRecipe) throws(SystemCallError) -> DetachedMount {
        let device = try BlockDevice.open(path)
        // For the kernel they are two devices, and neither superblock is in the other's way.
        try LoopDevice.requireUnshared(device)
        let mount = try buildFilesystem(recipe, on: device.path)
        try device.close()
        return mount
    }

    private func buildOnImage(
        _ path: FilePath, readOnly: Bool, _ recipe: MountRecipe
    ) throws(SystemCallError) -> DetachedMount {
        let device = try LoopDevice.attach(image: path, readOnly: readOnly)
        steps.reached(.loopReady)
        let mount = try buildFilesystem(recipe, on: device.path)
        // The mount keeps the device from here on; autoclear ends it with the last of the two.
        try device.close()
        return mount
    }

    private func buildFilesystem(
        _ recipe: MountRecipe, on device: FilePath?
    ) throws(SystemCallError) -> DetachedMount {
        var context = try FilesystemContext(type: recipe.filesystem.rawValue)
        if let device { try context.setString("source", device.string) }
        var layers = LayerFolders()
        for parameter in recipe.parameters {
            switch parameter {
            case .flag(let name): try context.setFlag(name)
            case .string(let name, let value): try context.setString(name, value)
            case .paths(let name, let paths): try layers.set(name, paths, in: &context)
            }
        }
        try context.create(exclusive: recipe.exclusiveSuperblock)
        let mount = try context.mount(attributes: attributes(of: recipe))
        _ = consume layers
        return mount
    }
}
