// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// Text from the kernel, kept as the bytes that it is.
public struct KernelText: Hashable, Sendable, CustomStringConvertible {
    /// The bytes, unescaped.
    public var bytes: [UInt8]

    /// Wraps bytes.
    public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// The bytes of a string.
    public init(_ string: String) { bytes = Array(string.utf8) }

    /// The bytes read as UTF-8, with a replacement character for what is none.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// A device by its numbers (`man 3 makedev`).
public struct DeviceNumber: Hashable, Sendable, CustomStringConvertible {
    /// The class of the device; 0 for filesystems without one.
    public var major: UInt32
    /// The device within its class.
    public var minor: UInt32

    /// Puts the numbers together.
    public init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    public var description: String { "\(major):\(minor)" }
}

/// Whether mounts made beneath a mount appear elsewhere too (`man 7 mount_namespaces`).
public enum MountPropagation: Hashable, Sendable {
    /// Neither sends nor receives.
    case `private`
    /// Sends to and receives from its peers.
    case shared
    /// Receives only.
    case slave
    /// Receives from its master and has peers of its own.
    case sharedSlave
    /// Private, and cannot be bound.
    case unbindable
}

/// What the kernel's mount table says about one mount.
public struct MountEntry: Hashable, Sendable {
    /// The mount's id, in the terms of the table that was asked.
    public var id: KernelMountID
    /// The id of the mount that it is attached to; the root of the namespace may name itself.
    public var parentID: KernelMountID
    /// The id in mountinfo, which may be given again after an unmount.
    public var mountinfoID: KernelMountID
    /// The parent's id in mountinfo.
    public var mountinfoParentID: KernelMountID
    /// Where it is attached, seen from this process's root; nil when it is not reachable from there.
    public var mountpoint: FilePath?
    /// The folder of the filesystem that is the mount's root: `/`, or deeper for a bind.
    public var root: FilePath
    /// The root folder was removed while it was mounted.
    public var isRootDeleted: Bool
    /// The type, with its subtype after a dot: `ext4`, `fuse.sshfs`. Kernels 6.8 to 6.12 leave the subtype out.
    public var filesystemType: String
    /// What was mounted, as the filesystem shows it; nil where the kernel does not say (`statmount` before 6.14).
    public var source: KernelText?
    /// What this mount allows.
    public var attributes: MountAttributes
    /// Whether mounts beneath it appear elsewhere.
    public var propagation: MountPropagation
    /// The filesystem itself is read-only, not only this mount.
    public var isSuperblockReadOnly: Bool
    /// The filesystem's own options; nil where the kernel does not say (`statmount` before 6.11).
    public var superblockOptions: [KernelText]?
    /// The superblock's device.
    public var device: DeviceNumber

    /// Whether both have the same folder of the same filesystem as their root: over the other it is a bind of a folder
    /// onto itself.
    public func showsSame(as other: MountEntry) -> Bool { device == other.device && root == other.root }
}

extension FilePath {
    /// A path of bytes that need not be text; nil when a NUL is among them.
    init?(kernelBytes bytes: some Collection<UInt8>) {
        guard !bytes.contains(0) else { return nil }
        self.init(platformString: bytes.map { CChar(bitPattern: $0) } + [0])
    }

    /// Splits off the mark that the kernel appends to the path of a removed folder.
    static func splittingDeletedMark<Bytes: BidirectionalCollection<UInt8>>(
        _ bytes: Bytes
    ) -> (bytes: Bytes.SubSequence, isDeleted: Bool) {
        let mark = Array("//deleted".utf8)
        guard bytes.count >= mark.count, bytes.suffix(mark.count).elementsEqual(mark) else {
            return (bytes[...], false)
        }
        return (bytes.dropLast(mark.count), true)
    }
}
