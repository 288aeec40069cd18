// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import MountModel

/// What could be read of a ledger that cannot be written.
struct ReadOnlyLedger: MountLedger {
    let contents: LedgerContents
    let reason: ReadOnlyReason

    func load() async throws(MountError) -> LedgerContents { contents }

    func commit(_ change: LedgerChange) async throws(MountError) {
        throw reason.refusal(
            "cannot change \(change.mountpoint)",
            context: MountError.Context(operation: "commit", target: change.mountpoint.description))
    }
}
