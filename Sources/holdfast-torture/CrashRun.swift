// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import HoldfastAPI
internal import MountTestSupport

/// Kills daemons under load, again and again, and checks what the next one makes of it.
final class CrashRun {
    let world: World
    let daemonProgram: String
    let seed: UInt64
    var report = CrashReport()
    var random: SeededGenerator
    var schedule: CrashSchedule
    let clients: [LoadClient]
    let check: HostCheck
    /// What the requests of clients that have stopped are about.
    var stalled: [LoadKey: KeyRecord] = [:]
    var stalledConnections: [RawConnection] = []
    /// Kills since the last complete check.
    var unchecked = 0
    /// Whether the host has rebooted since then.
    var hasRebooted = false
    let held = HeldFiles()
    /// The last daemon that was started.
    private var current: DaemonProcess?
    private let began = ContinuousClock.now

    /// Makes the world; takes a second or two.
    init(daemon: String, clients: Int, seed: UInt64) throws {
        daemonProgram = daemon
        self.seed = seed
        let names = try Program.run(daemon, "failpoints").split(separator: "\n").map(String.init)
        guard names.count > 10 else { throw Complaint("\(daemon) is no debug build: it has no failpoints") }
        schedule = CrashSchedule(names: names, seed: seed)
        random = SeededGenerator(seed: seed)
        world = try World()
        let world = world
        self.clients = (0..<clients).map { LoadClient($0, in: world) }
        check = HostCheck(world: world)
    }

    /// Runs until there have been so many kills, then detaches everything and checks that nothing is left.
    ///
    /// - Returns: the failpoints that were never reached.
    /// - Throws: the violation.
    func run(kills: Int) throws -> [String] {
        while report.killed < kills {
            let aim: Aim = unchecked < 4 ? schedule.next() : .moment
            let before = report.killed
            try round(aim)
            if before / 50 != report.killed / 50 { Progress.say("\(report.killed) kills, \(report.checks) checks") }
        }
        try emptyOut()
        for client in clients { report.tally += client.tally }
        let unreached = try unreachedNames()
        print(report.table(seed: seed, seconds: seconds, unreached: unreached))
        try world.remove()
        return unreached
    }

    /// Kills what is running, when there is nothing more to learn from it.
    func giveUp() {
        current?.signal(SIGKILL)
        _ = current?.waitForEnd(within: 10)
    }

    var seconds: Double { (ContinuousClock.now - began) / .seconds(1) }

    /// The failpoints that no daemon has come by.
    func unreachedNames() throws -> [String] {
        let reached = try String(contentsOfFile: world.folder + "/reached", encoding: .utf8)
        let found = Set(reached.split(separator: "\n").map(String.init))
        return schedule.names.filter { !found.contains($0) }
    }

    // MARK: - One daemon's life

    private func round(_ aim: Aim) throws {
        let scene: Scene = if case .failpoint(let name) = aim { Scene(for: name) } else { .load }
        switch scene {
        case .firstStart, .lastStop: try emptyOut()
        default: break
        }
        if case .firstStart = scene { try removeOwnFolders() }
        let daemon = try start(aim, scene)
        guard try daemon.waitUntilListening(within: 30) else { return try died(daemon, aim) }
        report.listening.append((ContinuousClock.now - daemon.started) / .milliseconds(1))
        // Once in two they stay until the daemon has begun to recover.
        try Outsider(world: world).leave()
        guard let list = try settledList(of: daemon, aim) else { return try died(daemon, aim) }
        report.settled.append((ContinuousClock.now - daemon.started) / .milliseconds(1))
        switch (aim, scene) {
        case (.rest, _): return try killAtRest(daemon, list)
        case (_, .lastStop): daemon.signal(SIGTERM)
        default: load(daemon, aim)
        }
        if daemon.waitForEnd(within: 0) == nil, scene.isEndedBySelf { _ = daemon.waitForEnd(within: 10) }
        try died(daemon, aim)
    }

    private func start(_ aim: Aim, _ scene: Scene) throws -> DaemonProcess {
        var environment: [String: String] = [:]
        if case .failpoint(let name) = aim {
            let times =
                switch scene {
                case .load: Int.random(in: 1...4, using: &random)
                case .firstStart: name.hasPrefix("held.mkdir") ? Int.random(in: 1...9, using: &random) : 1
                default: 1
                }
            let action = Scene.isWorkers(name) && Int.random(in: 0..<3, using: &random) == 0 ? "orphan" : "kill"
            if action == "orphan" { report.orphanings += 1 }
            environment["HOLDFAST_FAILPOINT"] = (scene.stop.map { "\($0)," } ?? "") + "\(name):\(times)=\(action)"
        }
        let (world, held) = (world, held)
        return try start(environment) { scene.act(in: world, holding: held) }
    }

    func start(
        _ environment: [String: String] = [:], onStop: (@Sendable () -> Void)? = nil
    ) throws -> DaemonProcess {
        report.starts += 1
        var environment = environment
        environment["HOLDFAST_FAILPOINTS_REACHED"] = world.folder + "/reached"
        let daemon = try DaemonProcess(
            program: daemonProgram, world.daemonArguments, environment: environment, lineLimit: 400, onStop: onStop)
        current = daemon
        return daemon
    }

    /// All clients at once, until the daemon has ended or its time is over.
    private func load(_ daemon: DaemonProcess, _ aim: Aim) {
        let stop = StopFlag()
        let seeds = clients.map { _ in random.next() }
        let outsider = Outsider(world: world)
        let outsiderSeed = random.next()
        let isDisturbed = Int.random(in: 0..<3, using: &random) > 0
        let limit = aim == .moment ? Double.random(in: 0.01...0.4, using: &random) : 2.5
        stall()
        Crew.run(clients.count + 2) { [clients] number in
            switch number {
            case clients.count:
                if isDisturbed { outsider.run(seed: outsiderSeed, until: stop) }
            case clients.count + 1:
                if daemon.waitForEnd(within: limit) == nil { daemon.signal(SIGKILL) }
                _ = daemon.waitForEnd(within: 10)
                stop.set()
            default: clients[number].run(seed: seeds[number], until: stop)
            }
        }
    }

    /// Clients that have stopped: one in the middle of its request, one that never reads its answer.
    private func stall() {
        stalledConnections.removeAll()
        guard Bool.random(using: &random), let half = RawConnection(world.socket),
            let silent = RawConnection(world.socket)
        else { return }
        half.send("POST /v1/attachments HTTP/1.1\r\nHost: holdfast\r\nContent-Length: 200\r\n\r\n{\"source\":")
        let number = Int.random(in: 0..<world.sources.count, using: &random)
        let source = world.sources[number]
        let key = LoadKey(source: number, consumer: "stalled", volume: ".")
        let request = AttachRequest(
            source: source.source, consumer: key.consumer, type: source.type, options: source.options, at: source.at)
        if let text = RawRequest.attach(request) { silent.send(text) }
        _ = stalled[key, default: KeyRecord()].noteAttach(.unanswered)
        stalledConnections = [half, silent]
    }

    // MARK: - Ends

    /// Counts the kill and looks at what the dead daemon has left; sometimes the next one is killed as it recovers.
    private func died(_ daemon: DaemonProcess, _ aim: Aim) throws {
        try kill(daemon, "\(aim)")
        unchecked += 1
        count(aim, of: daemon)
        held.close()
        if Bool.random(using: &random) { try Outsider(world: world).leave() }
        try compareLedger(after: daemon, "\(aim)")
        if Int.random(in: 0..<6, using: &random) == 0 { try reboot() }
        if Int.random(in: 0..<3, using: &random) == 0, unchecked < 4 { try killRecovery() }
    }

    /// Kills it, unless a failpoint has; what ended in another way is a violation.
    private func kill(_ daemon: DaemonProcess, _ moment: String) throws {
        daemon.signal(SIGKILL)
        guard case .killed(SIGKILL) = daemon.waitForEnd(within: 10) else {
            throw Complaint("\(moment): the daemon ended by itself: \(daemon.logTail().joined(separator: "\n"))")
        }
    }

    private func count(_ aim: Aim, of daemon: DaemonProcess) {
        guard case .failpoint(let name) = aim else {
            report.kills[aim == .rest ? "rest" : "moment", default: 0] += 1
            return
        }
        // One that had to be killed has not come by.
        let isHit = !daemon.wasKilledByUs
        report.kills[isHit ? "failpoint" : "missed", default: 0] += 1
        if isHit { report.failpoints[name, default: 0] += 1 }
    }

    /// What a reboot takes away goes, and the next daemon is one of another boot.
    private func reboot() throws {
        try Outsider(world: world).leave()
        try world.reboot()
        for client in clients { client.reboot() }
        for key in stalled.keys { stalled[key]?.reboot(keepsFiles: false) }
        hasRebooted = true
        report.reboots += 1
    }

    private func killRecovery() throws {
        let isPoint = Bool.random(using: &random)
        let daemon = try start(
            isPoint ? ["HOLDFAST_FAILPOINT": "any:\(Int.random(in: 1...60, using: &random))"] : [:])
        let moment = Double.random(in: 0...0.12, using: &random)
        _ = daemon.waitForEnd(within: isPoint ? 0.25 : moment)
        try kill(daemon, "as it recovered")
        report.kills["recovery", default: 0] += 1
        unchecked += 1
        try compareLedger(after: daemon, "killed as it recovered")
    }

    private func killAtRest(_ daemon: DaemonProcess, _ list: MountList) throws {
        try kill(daemon, "at rest")
        unchecked += 1
        report.kills["rest", default: 0] += 1
        let listed = check.attachments(in: list).found.mapValues(\.isPersistent)
        let ledger = try LedgerCopy(world: world).attachments().mapValues(\.isPersistent)
        let different = Set(ledger.keys).union(listed.keys).filter { ledger[$0] != listed[$0] }
        if !different.isEmpty {
            throw violation(["the ledger is not what was listed: \(different)"], "at rest", daemon)
        }
    }

    func violation(_ complaints: [String], _ moment: String, _ daemon: DaemonProcess) -> Violation {
        let records = allRecords.filter { key, _ in complaints.contains { $0.contains(key.description) } }
        return Violation(
            complaints: complaints, moment: "\(moment), after \(report.killed) kills, seed \(seed)",
            records: records.map { "\($0.key): \($0.value)" }.sorted(), log: daemon.logTail())
    }

    /// What all clients have been told.
    var allRecords: [LoadKey: KeyRecord] {
        clients.reduce(into: stalled) { $0.merge($1.records) { first, _ in first } }
    }
}

/// Says how it goes, to whoever watches.
enum Progress {
    static func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}
