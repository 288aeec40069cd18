// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// What a process that handles credentials and serves many sets for itself at its start.
public enum ProcessHardening {
    /// Makes the process undumpable (`PR_SET_DUMPABLE` 0, `man 2 prctl`): no core file, and no look into its memory or
    /// `/proc/self` by others of its user.
    ///
    /// An `execve` resets it: every main calls it. Does not block.
    ///
    /// - Throws: the kernel's refusal.
    public static func setCoreDumpsOff() throws(SystemCallError) {
        try SystemCallError.check(hf_set_dumpable(0), "prctl", on: "PR_SET_DUMPABLE")
    }

    /// Sets the name that `ps` shows (`PR_SET_NAME`, `man 2 prctl`), 15 bytes of it; a program that was started by its
    /// descriptor is named after that. Does not block.
    ///
    /// - Throws: the kernel's refusal.
    public static func setName(_ name: String) throws(SystemCallError) {
        try SystemCallError.check(hf_set_process_name(name), "prctl", on: "PR_SET_NAME")
    }

    /// Raises the number of descriptors that the process may have to what it may raise it to (`RLIMIT_NOFILE`, `man 2
    /// setrlimit`): the soft limit is 1,024 on most hosts, for programs that use `select`. Does not block.
    ///
    /// - Returns: the number.
    /// - Throws: the kernel's refusal.
    @discardableResult
    public static func raiseDescriptorLimit() throws(SystemCallError) -> UInt64 {
        var limit: UInt64 = 0
        try SystemCallError.check(hf_raise_descriptor_limit(&limit), "setrlimit", on: "RLIMIT_NOFILE")
        return limit
    }

    /// Lets all threads allocate from at most so many arenas (`M_ARENA_MAX`, `man 3 mallopt`), but for those that are
    /// in use already.
    ///
    /// An arena keeps the most it ever needed. With the C library's default, eight for each core, every one grows in
    /// its turn, for hours. Does not block.
    ///
    /// - Throws: that the C library does not take the number.
    public static func limitAllocatorArenas(to count: Int32) throws(SystemCallError) {
        try SystemCallError.check(hf_limit_malloc_arenas(count), "mallopt", on: "M_ARENA_MAX")
    }

    /// Takes permission bits away from all files and folders that the process makes from now on (`man 2 umask`).
    ///
    /// Does not block and cannot fail.
    ///
    /// - Returns: the mask before.
    @discardableResult
    public static func setFileCreationMask(_ mask: UInt32) -> UInt32 {
        hf_set_file_creation_mask(mask)
    }
}
