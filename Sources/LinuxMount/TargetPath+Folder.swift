// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// How a place was prepared.
public struct FolderPreparation: Hashable, Sendable {
    /// The folder was made now.
    public var created: Bool
    /// The folder has the immutable flag; false where the filesystem has no such flag.
    public var isImmutable: Bool

    /// Puts both together.
    public init(created: Bool, isImmutable: Bool) {
        self.created = created
        self.isImmutable = isImmutable
    }
}

extension TargetPath {
    /// Makes the folder, and those on the way, ready for a mount: empty, owned by root, mode 0000, immutable.
    ///
    /// With its mount gone, nobody can write into it, not even root, and with or without it nobody can remove or rename
    /// it. Doing it again changes nothing. Another thread that removes folders on the way is outrun, 16 times at most.
    ///
    /// - Throws: ENOTEMPTY for a folder with something in it, EBUSY for a mountpoint, ENOTDIR or ELOOP for what is no
    ///   folder, EPERM for a folder on the way that is not root's alone, else the kernel's refusal. A folder that was
    ///   there is then as it was.
    public func prepareFolder() throws(SystemCallError) -> FolderPreparation {
        var last = SystemCallError("mkdirat", .noSuchFileOrDirectory, on: path.string)
        for _ in 0..<16 {
            do throws(SystemCallError) {
                let parent = try makeParents()
                return try prepareLeaf(in: parent)
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
                last = error
            }
        }
        throw last
    }

    private func makeParents() throws(SystemCallError) -> OwnedDescriptor {
        var folder = try OwnedDescriptor.openPlace(
            ".", at: root.held.root.rawValue, .beneathOneMount, on: root.path)
        var walked = root.path
        for component in relative.removingLastComponent().components {
            walked.append(component)
            let name = FilePath(root: nil, [component])
            _ = try folder.makeFolder(name, mode: 0o755, for: .parent, on: walked)
            let next = try OwnedDescriptor.openPlace(name, at: folder.rawValue, .beneathOneMount, on: walked)
            let facts = try FileFacts(of: next, on: walked)
            try facts.requireFolder("openat2", on: walked)
            try facts.requireTrusted(stickyIsEnough: false, on: walked)
            folder = next
        }
        return folder
    }

    private func prepareLeaf(in parent: borrowing OwnedDescriptor) throws(SystemCallError) -> FolderPreparation {
        let made = try parent.makeFolder(name, mode: 0, for: .mountpoint, on: path)
        let leaf = try openLeaf(in: parent)
        // Before anything is changed: what is in it is reached through it.
        try requireEmpty(leaf)
        let facts = try FileFacts(of: leaf, on: path)
        let flags = try leaf.inodeFlags(on: path)
        do throws(SystemCallError) {
            let isImmutable = try close(leaf, facts, flags)
            // And once more, for nothing can be put there any more.
            try requireEmpty(leaf)
            return FolderPreparation(created: made, isImmutable: isImmutable)
        } catch {
            var refusal = error
            do throws(SystemCallError) {
                try reopen(leaf, facts, flags)
            } catch {
                refusal.subject = "\(path) (and it stays changed: \(error))"
            }
            throw refusal
        }
    }

    /// Gives the folder to root, closes it, and makes it immutable; false where the filesystem has no such flag.
    private func close(
        _ leaf: borrowing OwnedDescriptor, _ facts: FileFacts, _ flags: UInt32?
    ) throws(SystemCallError) -> Bool {
        if facts.user != 0 || facts.permissions != 0 {
            if let flags { try leaf.clearImmutable(flags, on: path) }
            if facts.user != 0 {
                // Closed first, so that a process killed in between leaves what `removeFolder` takes for prepared; and
                // once more afterwards, for until then its owner could open it again.
                try leaf.setPermissions(0, as: .closeFolder, on: path)
                try leaf.setOwner(0, on: path)
            }
            try leaf.setPermissions(0, as: .closeFolder, on: path)
        }
        guard let flags else { return false }
        return try leaf.setInodeFlags(flags | UInt32(HF_FS_IMMUTABLE_FL), on: path)
    }

    /// Undoes as much of `close` as was done.
    private func reopen(
        _ leaf: borrowing OwnedDescriptor, _ facts: FileFacts, _ flags: UInt32?
    ) throws(SystemCallError) {
        let now = try FileFacts(of: leaf, on: path)
        if now.user != facts.user || now.permissions != facts.permissions {
            if let flags { try leaf.clearImmutable(flags, on: path) }
            if now.user != facts.user { try leaf.setOwner(facts.user, on: path) }
            try leaf.setPermissions(facts.permissions, as: .closeFolder, on: path)
        }
        if let flags, try leaf.inodeFlags(on: path) != flags { try leaf.setInodeFlags(flags, on: path) }
    }

    private func requireEmpty(_ leaf: borrowing OwnedDescriptor) throws(SystemCallError) {
        // Opened anew: an open folder is read once.
        let again = try OwnedDescriptor.openFolder(".", at: leaf.rawValue, .beneathOneMount, on: path)
        guard try again.names(limit: 1, on: path).isEmpty else {
            throw SystemCallError("mkdirat", .directoryNotEmpty, on: path.string)
        }
    }

    /// Opens the folder itself for reading, after its id has shown that nothing is mounted there.
    private func openLeaf(in parent: borrowing OwnedDescriptor) throws(SystemCallError) -> OwnedDescriptor {
        let busy = SystemCallError("openat2", .resourceBusy, on: "\(path) (something is mounted there)")
        if case .mount = try topmost(in: parent) { throw busy }
        do throws(SystemCallError) {
            let leaf = try OwnedDescriptor.openFolder(name, at: parent.rawValue, .beneathOneMount, on: path)
            guard try table.mountID(of: leaf) == root.id else { throw busy }
            return leaf
        } catch {
            // It came between the two calls.
            throw error.errno == .improperLink ? busy : error
        }
    }

    /// Removes the folder and then those on the way that are empty, up to the root. What is missing is fine; a folder
    /// that was not prepared as a mountpoint (mode 0000) is somebody's, and stays.
    ///
    /// - Throws: ENOTEMPTY for a folder with something in it and EBUSY for a mountpoint, both left as they were; else
    ///   the kernel's refusal.
    public func removeFolder() throws(SystemCallError) {
        switch try openParent() {
        case .missing: break
        case .obstructed: throw SystemCallError("openat2", .resourceBusy, on: "\(path) (covered on the way)")
        case .found(let parent):
            if try topmost(in: parent) != .missing { try removeLeaf(in: parent) }
        }
        try removeEmptyParents()
    }

    private func removeLeaf(in parent: borrowing OwnedDescriptor) throws(SystemCallError) {
        let leaf: OwnedDescriptor
        do throws(SystemCallError) {
            leaf = try openLeaf(in: parent)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return }
            throw error
        }
        let facts = try FileFacts(of: leaf, on: path)
        guard facts.permissions == 0 else {
            if try leaf.names(limit: 1, on: path).isEmpty { return }
            throw SystemCallError("unlinkat", .directoryNotEmpty, on: path.string)
        }
        let before = try leaf.inodeFlags(on: path)
        if let before { try leaf.clearImmutable(before, on: path) }
        let removed = parent.removeFolder(name, as: .removeFolder)
        guard removed < 0, removed != -Errno.noSuchFileOrDirectory.rawValue else { return }
        if let before { try leaf.setInodeFlags(before, on: path) }
        try SystemCallError.check(removed, "unlinkat", on: path.string)
    }

    private func removeEmptyParents() throws(SystemCallError) {
        var folder = relative.removingLastComponent()
        while let component = folder.lastComponent {
            let above = TargetPath(root: root, relative: folder)
            guard case .found(let parent) = try above.openParent() else {
                folder.removeLastComponent()
                continue
            }
            let removed = parent.removeFolder(FilePath(root: nil, [component]), as: .removeParent)
            switch Errno(rawValue: -removed) {
            case _ where removed >= 0, .noSuchFileOrDirectory: folder.removeLastComponent()
            // In use by another target, or by somebody else.
            case .directoryNotEmpty, .fileExists, .resourceBusy, .notPermitted: return
            case let errno: throw SystemCallError("unlinkat", errno, on: above.path.string)
            }
        }
    }
}

extension OwnedDescriptor {
    /// The flags of an open file (`man 2 ioctl_iflags`); nil where the filesystem has none.
    func inodeFlags(on subject: FilePath) throws(SystemCallError) -> UInt32? {
        var flags: UInt32 = 0
        let answer = hf_get_inode_flags(rawValue, &flags)
        if Self.saysUnsupported(answer) { return nil }
        try SystemCallError.check(answer, "ioctl FS_IOC_GETFLAGS", on: subject.string)
        return flags
    }

    /// Sets the flags; false where the filesystem has not got the one that is asked for.
    @discardableResult
    func setInodeFlags(
        _ flags: UInt32, as call: KernelCall = .setFolderFlags, on subject: FilePath
    ) throws(SystemCallError) -> Bool {
        let number = rawValue
        let answer = call.made { hf_set_inode_flags(number, flags) }
        if Self.saysUnsupported(answer) { return false }
        try SystemCallError.check(answer, "ioctl FS_IOC_SETFLAGS", on: subject.string)
        return true
    }

    /// Sets the flags but for the immutable one.
    func clearImmutable(_ flags: UInt32, on subject: FilePath) throws(SystemCallError) {
        try setInodeFlags(flags & ~UInt32(HF_FS_IMMUTABLE_FL), as: .clearFolderFlags, on: subject)
    }

    /// Gives an open folder to another user. Its group stays: with mode 0000 it has no rights.
    func setOwner(_ owner: UInt32, on subject: FilePath) throws(SystemCallError) {
        let number = rawValue
        try SystemCallError.check(
            KernelCall.ownFolder.made { hf_fchown(number, owner, .max) }, "fchown", on: subject.string)
    }

    private static func saysUnsupported(_ answer: CInt) -> Bool {
        let unsupported: [Errno] = [.inappropriateIOCTLForDevice, .notSupported, .noFunction]
        return unsupported.contains(Errno(rawValue: -answer))
    }
}
