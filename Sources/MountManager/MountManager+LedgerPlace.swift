// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import Logging
internal import MountModel

// A ledger whose files others take away while it is open: it refuses every change, and the manager says why.
extension MountManager {
    /// Why nothing is attached or detached, where that is so: since the start, or because the ledger was lost since.
    public var readOnlyReason: ReadOnlyReason? { configuration.readOnlyReason ?? ledgerLoss }

    /// Asks the ledger whether it is still in its place; one question at a time, for the disk may hang. Its end asks
    /// itself.
    func checkLedgerPlace() {
        guard checkingLedger == nil, !isStopping else { return }
        checkingLedger = Task {
            do throws(MountError) {
                try await ledger.checkPlace()
                note(ledgerLoss: nil)
            } catch {
                note(ledgerLoss: ReadOnlyReason(.lost, error, knowsAttachments: true))
            }
            checkingLedger = nil
        }
    }

    private func note(ledgerLoss loss: ReadOnlyReason?) {
        if ledgerLoss == loss { return }
        ledgerLoss = loss
        if let loss {
            logger.critical("\(loss.summary)", metadata: ["hint": "\(loss.finding.action)"])
        } else {
            logger.notice("the ledger is back in its place: changes are recorded again")
        }
    }
}
