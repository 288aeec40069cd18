// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension OwnedDescriptor {
    /// Sets the permission bits of an open folder exactly.
    func setPermissions(
        _ mode: UInt32, as call: KernelCall, on subject: FilePath
    ) throws(SystemCallError) {
        let number = rawValue
        try SystemCallError.check(call.made { hf_fchmod(number, mode) }, "fchmod", on: subject.string)
    }

    /// The names in an open folder except `.` and `..`, at most `limit`.
    func names(limit: Int = .max, on subject: FilePath) throws(SystemCallError) -> [[UInt8]] {
        var names: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 32768)
        while names.count < limit {
            let count = try SystemCallError.check(
                hf_getdents(rawValue, &buffer, buffer.count), "getdents64", on: subject.string)
            guard count > 0 else { break }
            var offset = 0
            // struct linux_dirent64: 8 bytes inode, 8 offset, 2 record length, 1 type, then the name.
            while offset + 19 < count, names.count < limit {
                let length = Int(buffer[offset + 16]) | Int(buffer[offset + 17]) << 8
                guard length > 19 else { break }
                let name = buffer[(offset + 19)..<min(offset + length, count)].prefix { $0 != 0 }
                if !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) { names.append(Array(name)) }
                offset += length
            }
        }
        return names
    }

    /// `umount2` of what is on top at a name of this folder; the kernel has no call that takes the folder's descriptor.
    func unmount(_ name: FilePath, _ flags: CInt, as call: KernelCall) -> CInt {
        FilePath("/proc/self/fd/\(rawValue)").appending(name.components)
            .withPlatformString { path in call.made { hf_umount(path, flags | HF_UMOUNT_NOFOLLOW) } }
    }

    /// `rmdir` of a name in this folder.
    func removeFolder(_ name: FilePath, as call: KernelCall) -> CInt {
        let number = rawValue
        return name.withPlatformString { name in call.made { hf_unlinkat(number, name, HF_AT_REMOVEDIR) } }
    }
}
