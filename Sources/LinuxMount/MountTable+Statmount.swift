// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension MountTable {
    /// The ids of all mounts beneath one, by ascending id; for `UInt64.max` those of the whole namespace.
    ///
    /// One call with room for all: continuing from the last id would miss a mount with a lower id that is attached
    /// later.
    static func listmount(_ id: UInt64) throws(SystemCallError) -> [KernelMountID] {
        var ids = [UInt64](repeating: 0, count: 512)
        while true {
            let count = hf_listmount(id, &ids, ids.count)
            try SystemCallError.check(count, "listmount", on: id == .max ? nil : "mount \(id)")
            if count < ids.count { return ids[..<count].map(KernelMountID.init(rawValue:)) }
            ids = [UInt64](repeating: 0, count: ids.count * 4)
        }
    }

    /// One mount by its unique id; nil when this namespace has none of that id.
    static func statmount(_ id: KernelMountID) throws(SystemCallError) -> MountEntry? {
        let mask =
            HF_STATMOUNT_SB_BASIC | HF_STATMOUNT_MNT_BASIC | HF_STATMOUNT_MNT_ROOT | HF_STATMOUNT_MNT_POINT
            | HF_STATMOUNT_FS_TYPE | HF_STATMOUNT_MNT_OPTS | HF_STATMOUNT_FS_SUBTYPE | HF_STATMOUNT_SB_SOURCE
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            let answer = hf_statmount(id.rawValue, UInt64(mask), &buffer, buffer.count)
            switch Errno(rawValue: -answer) {
            case _ where answer >= 0: return try StatmountBuffer(bytes: buffer).entry()
            case .noSuchFileOrDirectory: return nil
            case .overflow where buffer.count < 1 << 24: buffer = [UInt8](repeating: 0, count: buffer.count * 8)
            case let errno: throw SystemCallError("statmount", errno, on: "mount \(id)")
            }
        }
    }
}

/// What `statmount` wrote: a struct of 512 bytes with offsets into the strings that follow it.
private struct StatmountBuffer {
    let bytes: [UInt8]
    let header: hf_statmount

    init(bytes: [UInt8]) {
        self.bytes = bytes
        // SAFETY: the buffer has at least 2,048 bytes, the struct 512, all of them integers; loadUnaligned needs no
        // alignment.
        header = bytes.withUnsafeBytes { $0.loadUnaligned(as: hf_statmount.self) }
    }

    func entry() throws(SystemCallError) -> MountEntry {
        let id = KernelMountID(rawValue: header.mnt_id)
        let root = FilePath.splittingDeletedMark(string(HF_STATMOUNT_MNT_ROOT, header.mnt_root) ?? [])
        guard let rootPath = FilePath(kernelBytes: root.bytes),
            let mountpoint = FilePath(kernelBytes: string(HF_STATMOUNT_MNT_POINT, header.mnt_point) ?? [])
        else { throw SystemCallError("statmount", .badMessage, on: "mount \(id)") }
        let type = string(HF_STATMOUNT_FS_TYPE, header.fs_type) ?? []
        let subtype = string(HF_STATMOUNT_FS_SUBTYPE, header.fs_subtype) ?? []
        let options = string(HF_STATMOUNT_MNT_OPTS, header.mnt_opts)
        let source = string(HF_STATMOUNT_SB_SOURCE, header.sb_source)
        return MountEntry(
            id: id, parentID: KernelMountID(rawValue: header.mnt_parent_id),
            mountinfoID: KernelMountID(rawValue: UInt64(header.mnt_id_old)),
            mountinfoParentID: KernelMountID(rawValue: UInt64(header.mnt_parent_id_old)),
            mountpoint: mountpoint.isEmpty ? nil : mountpoint, root: rootPath, isRootDeleted: root.isDeleted,
            filesystemType: String(decoding: type + (subtype.isEmpty ? [] : Array(".".utf8) + subtype), as: UTF8.self),
            source: source.map(KernelText.init), attributes: MountAttributes(rawValue: header.mnt_attr),
            propagation: propagation, isSuperblockReadOnly: header.sb_flags & UInt32(HF_SB_RDONLY) != 0,
            superblockOptions: options.map { MountInfo.superblockOptions($0) }
                ?? (knowsOptions ? [] : nil),
            device: DeviceNumber(major: header.sb_dev_major, minor: header.sb_dev_minor))
    }

    /// A kernel that has options but none to show leaves them out; it is told from one that has no such field (6.11) by
    /// the size of what it knows: since 6.14 both are there.
    private var knowsOptions: Bool { header.mask & UInt64(HF_STATMOUNT_SB_SOURCE) != 0 }

    private var propagation: MountPropagation {
        let bits = header.mnt_propagation
        if bits & UInt64(HF_MS_UNBINDABLE) != 0 { return .unbindable }
        return switch (bits & UInt64(HF_MS_SHARED) != 0, bits & UInt64(HF_MS_SLAVE) != 0) {
        case (true, true): .sharedSlave
        case (true, false): .shared
        case (false, true): .slave
        case (false, false): .private
        }
    }

    /// The string at an offset, up to its NUL; nil when the kernel has not filled that field.
    private func string(_ bit: CInt, _ offset: UInt32) -> [UInt8]? {
        guard header.mask & UInt64(bit) != 0 else { return nil }
        let start = MemoryLayout<hf_statmount>.size + Int(offset)
        guard start < bytes.count else { return nil }
        return Array(bytes[start...].prefix { $0 != 0 })
    }
}
