// SPDX-License-Identifier: Apache-2.0

import MountManager
import MountWorker
import NIOConcurrencyHelpers

/// What somebody does just when an operation reaches a step: told by the executor, on its thread.
final class Interlude: Sendable {
    private let pending = NIOLockedValueBox<(step: ExecutorSteps.Step, body: @Sendable () -> Void)?>(nil)

    var steps: ExecutorSteps { ExecutorSteps { [self] in reached($0) } }

    func await(_ step: ExecutorSteps.Step, _ body: @escaping @Sendable () -> Void) {
        pending.withLockedValue { $0 = (step, body) }
    }

    /// Forgets what no operation has come to.
    func cancel() { pending.withLockedValue { $0 = nil } }

    private func reached(_ step: ExecutorSteps.Step) {
        let body = pending.withLockedValue { pending -> (@Sendable () -> Void)? in
            guard pending?.step == step else { return nil }
            defer { pending = nil }
            return pending?.body
        }
        body?()
    }
}
