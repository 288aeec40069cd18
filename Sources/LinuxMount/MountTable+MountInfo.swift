// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
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
        let file = try OwnedDescriptor.open(path, flags: O_RDONLY, .followingLinks, on: path)
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
