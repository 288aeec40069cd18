// SPDX-License-Identifier: Apache-2.0

internal import MountManager
internal import MountModel

/// Looks at the host once at a time, however many ask: a folder whose filesystem hangs costs one thread. Nobody waits
/// longer than the limit.
struct SharedDiagnosis: Sendable {
    private let limit: Duration
    private let known: @Sendable () async -> [Finding]
    private let look: @Sendable () async -> [Finding]
    private let looks = SharedLooks<OnlySubject, [Finding]>()

    /// How many wait for an answer.
    var waitingCount: Int { get async { await looks.waitingCount } }

    /// - Parameters:
    ///   - limit: how long a look may take.
    ///   - known: what can be said without it.
    init(
        limit: Duration = .seconds(8), known: @escaping @Sendable () async -> [Finding] = { [] },
        look: @escaping @Sendable () async -> [Finding]
    ) {
        self.limit = limit
        self.known = known
        self.look = look
    }

    /// What is wrong on the host, as seen after the question; at the limit, what is known without a look, and that it
    /// did not end.
    func findings() async -> [Finding] {
        if let found = await looks.value(within: limit, look) { return found }
        return (await known() + [unfinished]).sortedBySeverity()
    }

    private var unfinished: Finding {
        Finding(
            "diagnosis_unfinished", .error, what: "the host could not be looked at within \(limit)",
            why: "the filesystem that holds the state folder or the mount root hangs, or the host is overloaded",
            action: "see in the kernel's log ('dmesg') which device or server does not answer")
    }
}
