// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HoldfastAPI
internal import MountTestSupport
internal import Synchronization

/// What happens to a daemon besides its load: malformed and half requests, being stopped for a while, and readers.
struct Faults: Sendable {
    let world: World
    let daemon: DaemonProcess
    let tally: FaultTally

    /// Makes trouble, by a seed, until told to stop.
    func run(seed: UInt64, until stop: StopFlag) {
        var random = SeededGenerator(seed: seed)
        var open: [RawConnection] = []
        while !stop.isSet {
            usleep(UInt32.random(in: 500...10_000, using: &random))
            switch Int.random(in: 0..<100, using: &random) {
            case 0:
                daemon.signal(SIGSTOP)
                usleep(UInt32.random(in: 10_000...200_000, using: &random))
                daemon.signal(SIGCONT)
                tally.count("stopped and continued")
            case 1..<40:
                guard let text = RawRequest.malformed.randomElement(using: &random),
                    let connection = RawConnection(world.socket)
                else { continue }
                connection.send(text)
                tally.count("malformed requests")
                // Some wait for the daemon to hang up.
                if Int.random(in: 0..<4, using: &random) == 0 { open.append(connection) }
                if open.count > 16 { open.removeAll() }
            case 40..<60: read { _ = try world.client.status() }
            case 60..<75: read { _ = try world.client.attachments() }
            case 75..<95: read { _ = try world.client.mounts() }
            default: read { _ = try world.client.verify() }
            }
        }
    }

    private func read(_ request: () throws -> Void) {
        do {
            try request()
            tally.count("lists and looks")
        } catch {
            tally.count("lists and looks that failed")
        }
    }
}

/// How often what was done.
final class FaultTally: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func count(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }

    var text: String {
        counts.withLock { $0 }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}
