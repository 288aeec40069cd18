// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// Filesystem types that can be told by the magic numbers of their superblocks.
///
/// A raw value is the type's name for the kernel (`/proc/filesystems`).
public enum FilesystemSignature: String, CaseIterable, Hashable, Sendable {
    /// ext4, ext3 or ext2: the ext4 driver mounts them all.
    case ext4
    case xfs
    case btrfs
    /// FAT12, FAT16 or FAT32 with a boot sector that says so.
    case vfat
    case squashfs
    case erofs

    /// All types whose magic numbers are there, in the order of the cases.
    ///
    /// More than one is no curiosity: making one filesystem does not always wipe what the one before has left elsewhere
    /// on the device. Reads with `pread` and writes nothing; blocks as long as the device or file does.
    ///
    /// - Throws: what `pread` answers.
    public static func all(on device: borrowing OwnedDescriptor) throws(SystemCallError) -> [FilesystemSignature] {
        var found: [FilesystemSignature] = []
        for type in allCases {
            for magic in type.magics where try matches(magic, on: device) {
                found.append(type)
                break
            }
        }
        return found
    }

    /// The type, if the magic numbers agree on one.
    ///
    /// A magic number is a hint, not a proof of a sound filesystem; choosing the wrong driver feeds it somebody
    /// else's data. Blocks as long as the device or file does.
    ///
    /// - Returns: nil if there is no type's number, and nil if there are several types': ``all(on:)`` tells which.
    /// - Throws: what `pread` answers.
    public static func detect(on device: borrowing OwnedDescriptor) throws(SystemCallError) -> FilesystemSignature? {
        let found = try all(on: device)
        return found.count == 1 ? found[0] : nil
    }

    /// Bytes that must stand at each of some places; a type may have several such sets.
    private typealias Magic = [(offset: UInt64, bytes: [UInt8])]

    // From the kernel's sources: fs/ext4/ext4.h and uapi/linux/magic.h, fs/xfs/libxfs/xfs_format.h,
    // uapi/linux/btrfs_tree.h, fs/squashfs/squashfs_fs.h, fs/erofs/erofs_fs.h. FAT has no number of its own: its boot
    // sector's signature is also that of a partition table, so the type's name, which every tool writes, must be there
    // too.
    private var magics: [Magic] {
        switch self {
        case .ext4: [[(1080, [0x53, 0xef])]]
        case .xfs: [[(0, Array("XFSB".utf8))]]
        case .btrfs: [[(65600, Array("_BHRfS_M".utf8))]]
        case .vfat:
            [
                [(82, Array("FAT32   ".utf8)), (510, [0x55, 0xaa])],
                [(54, Array("FAT16   ".utf8)), (510, [0x55, 0xaa])],
                [(54, Array("FAT12   ".utf8)), (510, [0x55, 0xaa])],
                [(54, Array("FAT     ".utf8)), (510, [0x55, 0xaa])],
            ]
        case .squashfs: [[(0, Array("hsqs".utf8))]]
        case .erofs: [[(1024, [0xe2, 0xe1, 0xf5, 0xe0])]]
        }
    }

    private static func matches(_ magic: Magic, on device: borrowing OwnedDescriptor) throws(SystemCallError) -> Bool {
        for (offset, bytes) in magic {
            guard try read(bytes.count, at: offset, from: device) == bytes else { return false }
        }
        return true
    }

    private static func read(
        _ count: Int, at offset: UInt64, from device: borrowing OwnedDescriptor
    ) throws(SystemCallError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // A short read is the end of a short file: no magic number there.
        let length = try SystemCallError.check(hf_read_at(device.rawValue, &bytes, count, offset), "pread")
        return Array(bytes.prefix(length))
    }
}
