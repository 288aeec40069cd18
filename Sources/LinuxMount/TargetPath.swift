// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import SystemPackage

/// A place beneath a managed root where something is, or will be, mounted.
///
/// A value that holds no descriptor but the root's. Each operation looks its way up again from there, beneath the root
/// only, through no symbolic link and onto no other mount (`man 2 openat2`), and never into what is mounted at the
/// place: none can hang but those that say so.
public struct TargetPath: Sendable {
    /// The root beneath which it is.
    public let root: ManagedRoot
    /// The path from the root: names only.
    public let relative: FilePath
    /// The last component.
    let name: FilePath
    /// The path from the root to the folder that holds the place.
    let folder: FilePath

    init(root: ManagedRoot, relative: FilePath) {
        self.root = root
        self.relative = relative
        name = FilePath(root: nil, relative.components.suffix(1))
        folder = relative.removingLastComponent()
    }

    /// The whole path, for people and answers; operations do not use it.
    public var path: FilePath { root.path.appending(relative.components) }

    var table: MountTable { root.table }

    /// What is on top at the place. Does not block, whatever is mounted there (`man 2 statx`).
    ///
    /// - Throws: the kernel's refusal; ELOOP or ENOTDIR for a component on the way that is no folder.
    public func topmost() throws(SystemCallError) -> Topmost {
        switch try openParent() {
        case .missing: .missing
        case .obstructed(let id): .mount(id)
        case .found(let parent): try topmost(in: parent)
        }
    }

    func topmost(in parent: borrowing OwnedDescriptor) throws(SystemCallError) -> Topmost {
        guard let id = try table.mountID(of: name, in: parent) else { return .missing }
        return id == root.id ? .folder : .mount(id)
    }

    /// The folder that holds the place, as a look-up from the root finds it.
    enum Parent: ~Copyable {
        case missing
        /// Something is mounted over a folder on the way.
        case obstructed(by: KernelMountID)
        case found(OwnedDescriptor)
    }

    func openParent() throws(SystemCallError) -> Parent {
        do throws(SystemCallError) {
            return .found(
                try .openPlace(
                    folder.isEmpty ? "." : folder, at: root.held.root.rawValue, .beneathOneMount,
                    on: root.path.appending(folder.components))
            )
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return .missing
            case .improperLink: return .obstructed(by: try obstruction(error))
            default: throw error
            }
        }
    }

    /// The first mount on the way.
    private func obstruction(_ refusal: SystemCallError) throws(SystemCallError) -> KernelMountID {
        var walked: FilePath = "."
        for component in folder.components {
            let folder = try OwnedDescriptor.openPlace(
                walked, at: root.held.root.rawValue, .beneathOneMount, on: root.path)
            let id = try table.mountID(of: FilePath(root: nil, [component]), in: folder)
            if let id, id != root.id { return id }
            walked.append(component)
        }
        throw refusal
    }

    /// The parent, or the refusal that a missing or covered one means to an operation that needs it.
    func requireParent() throws(SystemCallError) -> OwnedDescriptor {
        switch try openParent() {
        case .found(let parent): return parent
        case .missing: throw SystemCallError("openat2", .noSuchFileOrDirectory, on: path.string)
        case .obstructed: throw SystemCallError("openat2", .improperLink, on: path.string)
        }
    }
}

/// What is on top at a place.
public enum Topmost: Hashable, Sendable {
    /// There is nothing of that name.
    case missing
    /// A folder (or another file) of the root's own filesystem, on which nothing is mounted.
    case folder
    /// A mount: at the place, or over a folder on the way to it.
    case mount(KernelMountID)
}
