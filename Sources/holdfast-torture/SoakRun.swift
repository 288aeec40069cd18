// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import HoldfastAPI
internal import MountTestSupport
internal import Synchronization

/// One daemon under mixed load and faults for minutes; what it uses is measured each second under load, and in pauses.
// SAFETY: `samples` is behind a lock; the rest changes between the loads only.
final class SoakRun: @unchecked Sendable {
    let world: World
    private let daemon: DaemonProcess
    private let clients: [LoadClient]
    private let seed: UInt64
    private var random: SeededGenerator
    private let samples = Mutex<[ProcessSample]>([])
    private(set) var pauses: [ProcessSample] = []
    private let faults = FaultTally()
    private let began = ContinuousClock.now

    /// Makes the world and starts the daemon.
    init(daemon program: String, clients: Int, seed: UInt64) throws {
        world = try World()
        let world = world
        daemon = try DaemonProcess(program: program, world.daemonArguments, lineLimit: 400)
        self.clients = (0..<clients).map { LoadClient($0, in: world) }
        self.seed = seed
        random = SeededGenerator(seed: seed)
        guard try daemon.waitUntilListening(within: 30) else {
            throw Complaint("the daemon does not start: \(daemon.logTail().joined(separator: "\n"))")
        }
    }

    /// Loads for so long, with a pause each `segment` seconds; then detaches everything and judges.
    ///
    /// - Throws: a broken promise, or what has grown.
    func run(seconds: Double, segment: Double, judge: GrowthJudge) throws {
        while elapsed < seconds {
            load(for: min(segment, seconds - elapsed))
            try pause()
            Progress.say("\(Int(elapsed)) s: \(total.requests) requests, \(pauses.last?.privateKiB ?? 0) KiB private")
        }
        try finish()
        let complaints = judge.complaints(loaded: samples.withLock { $0 }, pauses: pauses)
        print(table(judge))
        if !complaints.isEmpty { throw Complaint("it has grown: " + complaints.joined(separator: "; ")) }
        try world.remove()
    }

    /// Kills the daemon, when there is nothing more to learn from it.
    func giveUp() {
        daemon.signal(SIGKILL)
        _ = daemon.waitForEnd(within: 10)
    }

    private var elapsed: Double { (ContinuousClock.now - began) / .seconds(1) }

    private var total: Tally { clients.reduce(into: Tally()) { $0 += $1.tally } }

    // MARK: - Load

    private func load(for seconds: Double) {
        let stop = StopFlag()
        let seeds = (0..<clients.count + 2).map { _ in random.next() }
        let outsider = Outsider(world: world)
        let faults = Faults(world: world, daemon: daemon, tally: faults)
        Crew.run(clients.count + 3) { [self] number in
            switch number - clients.count {
            case 0: outsider.run(seed: seeds[number], until: stop)
            case 1: faults.run(seed: seeds[number], until: stop)
            case 2: sample(until: ContinuousClock.now + .seconds(seconds), stop)
            default: clients[number].run(seed: seeds[number], until: stop)
            }
        }
    }

    /// Measures each second, and ends the load.
    private func sample(until end: ContinuousClock.Instant, _ stop: StopFlag) {
        while ContinuousClock.now < end, daemon.waitForEnd(within: 1) == nil {
            guard let sample = try? ProcessSample(of: daemon.pid, at: elapsed) else { break }
            samples.withLock { $0.append(sample) }
        }
        stop.set()
    }

    // MARK: - Pauses

    /// Waits until all is at rest, checks it, and measures what is used then.
    private func pause() throws {
        try Outsider(world: world).leave()
        let found = try settle()
        let complaints =
            clients.flatMap(\.complaints)
            + clients.flatMap { client in
                client.records.compactMap { key, record in
                    record.complaint(finding: found[key]).map { "\(key): \($0)" }
                }
            }
        guard complaints.isEmpty else { throw violation(complaints) }
        for client in clients { client.adopt(found) }
        pauses.append(try ProcessSample(of: daemon.pid, at: elapsed))
    }

    /// What is attached when nothing is under way any more: two complete checks in a row, a while apart, that find the
    /// same, so that the requests of those who hung up have come to their end.
    private func settle() throws -> [LoadKey: HeldAttachment] {
        let check = HostCheck(world: world)
        let deadline = ContinuousClock.now + .seconds(60)
        var before: [LoadKey: HeldAttachment]?
        while true {
            let list = try world.client.mounts()
            let (found, strangers) = check.attachments(in: list)
            let complaints = try strangers + check.complaints(about: list)
            if complaints.isEmpty, found == before { return found }
            before = complaints.isEmpty ? found : nil
            if ContinuousClock.now > deadline { throw violation(complaints + ["not at rest after 60 s"]) }
            usleep(200_000)
        }
    }

    private func finish() throws {
        for client in clients {
            for (key, record) in client.records where record.knowledge == .there { client.detachNow(key) }
        }
        guard try settle().isEmpty else { throw violation(["not everything could be detached"]) }
        daemon.signal(SIGTERM)
        guard case .exited(0) = daemon.waitForEnd(within: 30) else {
            throw violation(["the daemon does not end with status 0"])
        }
        world.removeFoldersOfOthers()
        let recorded = try LedgerCopy(world: world).attachments().keys.map { "in the ledger: \($0)" }
        let left = try HostCheck(world: world).leftovers() + recorded
        if !left.isEmpty { throw violation(left.map { "left: \($0)" }) }
    }

    private func violation(_ complaints: [String]) -> Violation {
        Violation(complaints: complaints, moment: "after \(Int(elapsed)) s, seed \(seed)", log: daemon.logTail())
    }

    // MARK: - The report

    private func table(_ judge: GrowthJudge) -> String {
        let total = total
        let samples = samples.withLock { $0 }
        let refused = total.refused.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let trend = judge.trend(of: samples).map { String(format: "%.1f", $0) } ?? "unknown"
        var lines = [
            "| seed \(seed), \(clients.count) clients, \(Int(elapsed)) s | |", "| --- | --- |",
            "| requests | \(total.requests), \(Int(Double(total.requests) / elapsed)) a second: \(total.attached) "
                + "attached, "
                + "\(total.detached) detached, \(total.unanswered) unanswered, \(total.hungUp) hung up |",
            "| refused | \(refused) |", "| faults | \(faults.text) |",
            "| trend of the private memory | \(trend) KiB a minute, \(Int(judge.limit)) allowed |", "",
            "| in the pause at | private | resident | threads | descriptors |", "| --- | --- | --- | --- | --- |",
        ]
        for pause in pauses {
            lines.append(
                "| \(Int(pause.second)) s | \(pause.privateKiB) KiB | \(pause.residentKiB) KiB | \(pause.threads) "
                    + "| \(pause.descriptorCount) |")
        }
        return lines.joined(separator: "\n")
    }
}
