// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// How filesystems with a server, or a process, behind them are asked whether they are there.
public struct ProbePolicy: Hashable, Sendable {
    /// The time between two questions to one filesystem, more or less; nil for no questions.
    public var interval: Duration? = .seconds(30)
    /// How long an answer may take.
    public var limit = Duration.seconds(10)

    /// The defaults.
    public init() {}
}

/// When which filesystem is asked, and how many at once: those that are silent take at most half of the places, and of
/// a server with one of them no second one is asked meanwhile, so that the others are asked in time.
///
/// A value: its owner has the clock, the chance, and the questions.
struct ProbeSchedule<Subject: Hashable & Sendable> {
    typealias Instant = ContinuousClock.Instant

    private let interval: Duration?
    private let limit: Int
    private let limitPerServer: Int
    /// Questions that cannot be ended, beyond which nobody is asked: each keeps a worker, and builds need some.
    private let stuckLimit: Int
    private var servers: [Subject: ExactText] = [:]
    private var due: [Subject: Instant] = [:]
    private var queue: [Subject] = []
    private(set) var running: Set<Subject> = []
    private var silent: Set<Subject> = []
    private var stuck: Set<Subject> = []

    init(_ policy: ProbePolicy, limit: Int = 8, limitPerServer: Int = 4, stuckLimit: Int = 64) {
        interval = policy.interval
        self.limit = limit
        self.limitPerServer = limitPerServer
        self.stuckLimit = stuckLimit
    }

    /// One more is to be asked, for the first time within the interval.
    ///
    /// - Parameters:
    ///   - server: whose it is; nil where it shares it with no other.
    ///   - chance: a number from 0 up to 1.
    mutating func add(_ subject: Subject, of server: ExactText?, at now: Instant, chance: () -> Double) {
        guard let interval else { return }
        servers[subject] = server
        due[subject] = now + interval * chance()
    }

    /// It is not to be asked any more.
    mutating func remove(_ subject: Subject) {
        servers[subject] = nil
        due[subject] = nil
        silent.remove(subject)
        queue.removeAll { $0 == subject }
    }

    /// Looks whose turn it is.
    mutating func refresh(at now: Instant) {
        queue = due.filter { $0.value <= now && !running.contains($0.key) && !stuck.contains($0.key) }
            .sorted { $0.value < $1.value }.map(\.key)
    }

    /// Who is to be asked now; nil where nobody is, or no more may be.
    mutating func next() -> Subject? {
        guard running.count < limit, running.count + stuck.count < stuckLimit,
            let index = queue.firstIndex(where: mayBegin)
        else { return nil }
        let subject = queue.remove(at: index)
        running.insert(subject)
        return subject
    }

    private func mayBegin(_ subject: Subject) -> Bool {
        if silent.contains(subject) {
            guard running.count(where: { silent.contains($0) }) < limit / 2 else { return false }
        }
        guard let server = servers[subject] else { return true }
        let others = running.filter { servers[$0] == server }
        let isSilent = silent.contains(subject) || others.contains { silent.contains($0) }
        return others.count < (isSilent ? 1 : limitPerServer)
    }

    /// The question has been answered, or not.
    ///
    /// - Parameter isStuck: whether who asked waits on and cannot be ended; nobody else asks until `free`.
    mutating func end(_ subject: Subject, isSilent: Bool, isStuck: Bool, at now: Instant, chance: () -> Double) {
        running.remove(subject)
        // Of a mount that has gone meanwhile, too: who asked is still there.
        if isStuck { stuck.insert(subject) }
        guard due[subject] != nil, let interval else { return }
        if isSilent { silent.insert(subject) } else { silent.remove(subject) }
        due[subject] = now + interval * (0.9 + 0.2 * chance())
    }

    /// Who asked in vain has ended: perhaps there is an answer now.
    mutating func free(_ subject: Subject, at now: Instant) {
        guard stuck.remove(subject) != nil, due[subject] != nil else { return }
        due[subject] = now
    }
}
