// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

extension ControlGroup {
    /// An attribute that the kernel keeps as long as the group, and that only root sees (`man 7 xattr`).
    private static let attribute = "trusted.holdfast.mount"

    /// The file that tells of the group's first process and of its last one's end.
    var events: FilePath { path.appending("cgroup.events") }

    /// Whether any process lives in it.
    ///
    /// - Throws: what reading `cgroup.events` answers; a group that is gone has none.
    public var isPopulated: Bool {
        get throws(SystemCallError) {
            do throws(SystemCallError) {
                let lines = String(decoding: try MountTable.readProcessFile(events), as: UTF8.self)
                return lines.split(separator: "\n").contains("populated 1")
            } catch {
                // It can go between the open and the read.
                if error.errno == .noSuchFileOrDirectory || error.errno == .operationNotSupportedByDevice {
                    return false
                }
                throw error
            }
        }
    }

    /// Notes which mount its processes serve, for as long as the group is there.
    ///
    /// - Throws: what `setxattr` answers.
    public func note(_ mount: KernelMountID) throws(SystemCallError) {
        let bytes = Array(mount.description.utf8)
        let noted = path.withPlatformString { hf_set_attribute($0, Self.attribute, bytes, bytes.count) }
        try SystemCallError.check(noted, "setxattr", on: path.string)
    }

    /// The mount that was noted; nil where none was.
    ///
    /// - Throws: what `getxattr` answers.
    public func notedMount() throws(SystemCallError) -> KernelMountID? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = path.withPlatformString { hf_get_attribute($0, Self.attribute, &bytes, bytes.count) }
        if count == -Int(Errno.noData.rawValue) { return nil }
        try SystemCallError.check(count, "getxattr", on: path.string)
        return UInt64(String(decoding: bytes.prefix(Int(count)), as: UTF8.self)).map(KernelMountID.init(rawValue:))
    }
}
