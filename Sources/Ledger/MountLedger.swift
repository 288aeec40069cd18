// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// The durable record of mounts and attachments, as the manager needs it.
public protocol MountLedger: Sendable {
    /// Makes one change durable, whole or not at all.
    ///
    /// Returns once the change is durable (`fullSync`: on the device; otherwise: safe from the end of this process).
    /// When it throws, the change is definitely not in the ledger and cannot come back. The caller's thread is not
    /// blocked, and the cancellation of its task does not end a commit.
    ///
    /// - Throws: `resource_exhausted` for a full disk or a full queue, `invalid_argument` for a value that cannot be
    ///   stored, `internal` for a change that would break the ledger's own rules, `unavailable` for anything else.
    func commit(_ change: LedgerChange) async throws(MountError)

    /// Reads everything. The caller's thread is not blocked.
    ///
    /// - Throws: `internal`, naming the row, where a value is not what the vocabulary allows; `unavailable` where the
    ///   ledger cannot be read.
    func load() async throws(MountError) -> LedgerContents

    /// Throws where what was committed would not be found by the next who opens the ledger, with what to do; it refuses
    /// every change then. Asked for about once a second.
    func checkPlace() async throws(MountError)
}

extension MountLedger {
    /// Nothing can happen to it.
    public func checkPlace() async throws(MountError) {}
}
