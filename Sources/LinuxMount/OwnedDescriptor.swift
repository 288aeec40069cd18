// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// A file descriptor with one owner: closed when the owner ends, never copied, always close-on-exec.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for the length of a call; nobody else may keep or close it.
    public let rawValue: CInt

    /// Takes over an open descriptor that nobody else owns.
    public init(owning rawValue: CInt) { self.rawValue = rawValue }

    /// Closes it now and says what the kernel answered (`man 2 close`); after an error it is closed all the same.
    ///
    /// - Throws: the kernel's refusal.
    public consuming func close() throws(SystemCallError) {
        let rawValue = rawValue
        discard self
        try SystemCallError.check(hf_close(rawValue), "close")
    }

    /// Gives the descriptor away: the caller closes it.
    public consuming func release() -> CInt {
        let rawValue = rawValue
        discard self
        return rawValue
    }

    // The kernel closes the descriptor whatever it answers, and a deinit has nobody to tell.
    deinit { _ = hf_close(rawValue) }
}
