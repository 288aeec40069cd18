// SPDX-License-Identifier: Apache-2.0

internal import MountManager

#if DEBUG
    internal import Foundation
    internal import NIOConcurrencyHelpers

    /// Kills this process with SIGKILL at the n-th step, n from HOLDFAST_CRASH_AT: how the crash tests stop between any two
    /// steps. Debug builds only.
    enum CrashPoint {
        private static let remaining = NIOLockedValueBox<Int>(
            ProcessInfo.processInfo.environment["HOLDFAST_CRASH_AT"].flatMap { Int($0) } ?? 0)

        static let executorSteps = ExecutorSteps { _ in count() }
        static let commitStep: @Sendable () -> Void = { count() }

        private static func count() {
            let isHere = remaining.withLockedValue { number in
                number -= 1
                return number == 0
            }
            if isHere { kill(getpid(), SIGKILL) }
        }
    }
#else
    /// Release builds have no crash points.
    enum CrashPoint {
        static let executorSteps = ExecutorSteps.none
        static let commitStep: @Sendable () -> Void = {}
    }
#endif
