// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import MountModel
public import SystemPackage

/// What the host says about a folder and the filesystem that it is on.
public struct FolderFacts: Hashable, Sendable {
    /// Where it is.
    public var path: FilePath
    /// What is there.
    public var presence: Presence
    /// The owner's uid.
    public var owner: UInt32 = 0
    /// The twelve permission bits.
    public var permissions: UInt32 = 0
    /// The space, where it could be asked for.
    public var space: Space?

    /// What is at the path.
    public enum Presence: Hashable, Sendable {
        case folder, missing, otherKind
        /// It cannot be looked at, with the reason.
        case unknown(Errno)
    }

    /// A filesystem's space (`man 3 statvfs`).
    public struct Space: Hashable, Sendable {
        /// Free bytes, those for root alone included.
        public var freeBytes: UInt64
        /// Free inodes; nil where the filesystem does not count them.
        public var freeInodes: UInt64?
        /// Whether nothing can be written there.
        public var isReadOnly: Bool

        /// Puts the parts together.
        public init(freeBytes: UInt64, freeInodes: UInt64?, isReadOnly: Bool) {
            self.freeBytes = freeBytes
            self.freeInodes = freeInodes
            self.isReadOnly = isReadOnly
        }
    }

    /// Puts the parts together.
    public init(
        path: FilePath, presence: Presence, owner: UInt32 = 0, permissions: UInt32 = 0o700, space: Space? = nil
    ) {
        self.path = path
        self.presence = presence
        self.owner = owner
        self.permissions = permissions
        self.space = space
    }

    /// Looks, without following a link. Blocks as long as the filesystems on the way do.
    public init(lookingAt path: FilePath) {
        self.path = path
        var found = stat()
        // SAFETY: both pointers live as long as the call, and lstat keeps none.
        guard path.withPlatformString({ lstat($0, &found) }) == 0 else {
            let number = Errno(rawValue: Glibc.errno)
            presence = number == .noSuchFileOrDirectory ? .missing : .unknown(number)
            return
        }
        presence = found.st_mode & S_IFMT == S_IFDIR ? .folder : .otherKind
        owner = found.st_uid
        permissions = found.st_mode & 0o7777
        var filesystem = statvfs()
        // SAFETY: both pointers live as long as the call, and statvfs keeps none.
        guard path.withPlatformString({ statvfs($0, &filesystem) }) == 0 else { return }
        space = Space(
            freeBytes: UInt64(filesystem.f_bfree) * UInt64(filesystem.f_frsize),
            freeInodes: filesystem.f_files > 0 ? UInt64(filesystem.f_ffree) : nil,
            isReadOnly: filesystem.f_flag & 1 != 0)  // ST_RDONLY
    }

    /// The files in it whose names begin with a text, and their sizes in bytes; none where it cannot be read. Blocks as
    /// long as its filesystem does.
    public func sizes(ofNamesBeginningWith prefix: String) -> [String: Int64] {
        guard let stream = path.withPlatformString({ opendir($0) }) else { return [:] }
        defer { closedir(stream) }
        var sizes: [String: Int64] = [:]
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix(prefix) else { continue }
            var found = stat()
            // SAFETY: both pointers live as long as the call, and fstatat keeps none.
            let result = fstatat(dirfd(stream), name, &found, AT_SYMLINK_NOFOLLOW)
            if result == 0 { sizes[name] = Int64(found.st_size) }
        }
        return sizes
    }
}

extension FolderFacts {
    /// What is wrong with a folder of holdfastd's that is there, if others may enter it.
    ///
    /// - Parameters:
    ///   - user: the daemon's uid.
    ///   - code: the finding's.
    ///   - harm: what others could do there, as a verb.
    func access(_ user: UInt32, _ code: String, whoever harm: String) -> [Finding] {
        guard owner != user || permissions & 0o077 != 0 else { return [] }
        return [
            Finding(
                code, .error,
                what: "others have access to the folder \(path): owner \(owner), mode "
                    + "0\(String(permissions, radix: 8))",
                why: "whoever may write there could \(harm); holdfastd does not start with it",
                action: "look at what is in it, then 'chown \(user) \(path)' and 'chmod 0700 \(path)'")
        ]
    }

    /// What is wrong with the folder of the socket, if the daemon is to start with it once more.
    ///
    /// - Parameter user: the daemon's uid.
    public func runtimeFindings(user: UInt32 = 0) -> [Finding] {
        presence == .folder ? access(user, "runtime_folder_open", whoever: "replace the socket") : []
    }
}
