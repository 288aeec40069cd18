// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// The running boot of this machine.
public enum KernelBoot {
    /// The random id that the kernel drew when it started (`man 4 random`, `/proc/sys/kernel/random/boot_id`): 36
    /// characters, the same for every process and container of one boot.
    ///
    /// Mount ids mean nothing without it. Does not block.
    ///
    /// - Throws: what opening or reading answers, where `/proc` is missing; `EINVAL` if it is not an id.
    public static func currentID() throws(SystemCallError) -> String {
        let path = "/proc/sys/kernel/random/boot_id"
        let line = try SmallFile.firstLine(of: path)
        // Whoever can bind-mount over the file could make two boots look like one; an empty one must not pass for an
        // id.
        guard line.utf8.count == 36, line.allSatisfy({ $0.isHexDigit || $0 == "-" }) else {
            throw SystemCallError("read", .invalidArgument, on: "\(path) (not a boot id: \"\(line)\")")
        }
        return line
    }
}
