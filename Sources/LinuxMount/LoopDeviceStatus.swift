// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// What the kernel says about a loop device that has a file (`LOOP_GET_STATUS64`, `man 4 loop`).
public struct LoopDeviceStatus: Hashable, Sendable {
    /// N of `/dev/loopN`.
    public let number: UInt32
    /// The device node.
    public let path: FilePath
    /// The device number of the filesystem that has the file, encoded as in `stat`.
    public let fileDevice: UInt64
    /// The file's inode number.
    public let fileInode: UInt64
    /// Where in the file the device begins, in bytes.
    public let offset: UInt64
    /// Bytes of the file that the device shows at most; 0 for all.
    public let sizeLimit: UInt64
    /// Whether the device refuses writes.
    public let isReadOnly: Bool
    /// Whether the device ends with its last user.
    public let isAutoclear: Bool
    /// What whoever attached it wrote as the file's name, at most 63 bytes: for people, proof of nothing.
    public let fileName: [UInt8]

    /// Whether a byte of one file is in both.
    func overlaps(_ other: LoopDeviceStatus) -> Bool { offset < other.end && other.offset < end }

    private var end: UInt64 {
        let (end, isBeyond) = offset.addingReportingOverflow(sizeLimit)
        return sizeLimit == 0 || isBeyond ? .max : end
    }
}
