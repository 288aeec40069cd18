// SPDX-License-Identifier: Apache-2.0

import Ledger
import MountModel
import MountTestSupport

/// A ledger in memory whose commits wait, when it is told so, until they are let go.
actor HeldLedger: MountLedger {
    private let ledger = MemoryLedger()
    private var isHeld = false
    private var held: [CheckedContinuation<Void, Never>] = []

    func load() async throws(MountError) -> LedgerContents { try await ledger.load() }

    func commit(_ change: LedgerChange) async throws(MountError) {
        if isHeld { await withCheckedContinuation { held.append($0) } }
        try await ledger.commit(change)
    }

    func hold() { isHeld = true }

    func waitUntilHeld() async { while held.isEmpty { await Task.yield() } }

    func letGo() {
        isHeld = false
        for continuation in held { continuation.resume() }
        held = []
    }
}
