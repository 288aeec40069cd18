// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension MountTable {
    /// All lines of this process's mountinfo. A table that changes between two reads may show a mount twice: once here.
    static func readMountInfo() throws(SystemCallError) -> [MountEntry] {
        let bytes = try readProcessFile("/proc/self/mountinfo")
        let entries: [MountEntry]
        do throws(MountInfoError) {
            entries = try MountInfo.parse(bytes)
        } catch {
            throw SystemCallError("read", .badMessage, on: error.description)
        }
        var seen: Set<KernelMountID> = []
        return entries.filter { seen.insert($0.id).inserted }
    }

    /// A whole file of /proc; its size is not known beforehand.
    static func readProcessFile(_ path: FilePath) throws(SystemCallError) -> [UInt8] {
        let flags = UInt64(hf_o_rdonly | hf_o_cloexec)
        // /proc/self is itself a symbolic link.
        let opened = path.withPlatformString { hf_openat2(-1, $0, flags, 0) }
        let file = OwnedDescriptor(owning: try SystemCallError.check(opened, "openat2", on: path.string))
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try SystemCallError.check(
                hf_read(file.rawValue, &buffer, buffer.count), "read", on: path.string)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }
}
