// SPDX-License-Identifier: Apache-2.0

internal import MountTestSupport

/// How the next daemon is to end.
enum Aim: Hashable, Sendable {
    /// At a named point.
    case failpoint(String)
    /// At a random moment under load.
    case moment
    /// When nothing is under way: then the ledger must be exactly what was listed.
    case rest
}

/// What has to be arranged so that a failpoint is reached.
enum Scene: Sendable {
    /// The load reaches it.
    case load
    /// Somebody mounts over everything while a mount is on its way into its slot: the daemon is stopped just before.
    case coverInSlot
    /// Somebody uses a mount that is in its slot.
    case busyInSlot
    /// Somebody makes the mount root shared between the probe and the move, so that nothing can be moved.
    case sharedRoot
    /// Nothing is there: a first start.
    case firstStart
    /// Nothing is attached, and the daemon is told to end.
    case lastStop

    init(for name: String) {
        self =
            switch name.split(separator: ".").first {
            case "lift", "lower": .coverInSlot
            case "back": .busyInSlot
            case "held": name.hasPrefix("held.umount") ? .lastStop : .firstStart
            default: name.hasPrefix("unmount.expire") ? .sharedRoot : .load
            }
    }

    /// Whether a worker comes by the point, as a rule: then the daemon may die alone, and leave the worker to the next
    /// one.
    static func isWorkers(_ name: String) -> Bool {
        ["build", "unmount", "slot", "back", "lift", "lower", "writable"].contains(
            name.split(separator: ".").first.map(String.init))
            || name == "executor.loop_ready"
    }

    /// Whether nothing has to be arranged.
    var isLoad: Bool { if case .load = self { true } else { false } }

    /// Where the daemon is stopped first.
    var stop: String? {
        switch self {
        case .coverInSlot: "slot.move_mount.before=stop"
        case .busyInSlot: "slot.probe.before=stop"
        case .sharedRoot: "unmount.probe.after=stop"
        case .load, .firstStart, .lastStop: nil
        }
    }
}

/// Which end comes when: all failpoints in turn, each time in another order, with random moments in between.
struct CrashSchedule {
    /// What only a disk that reports I/O errors leads to, where `LedgerFaultTests` kills, and what only helper programs
    /// do, where `HelperTests` does.
    static let unreachable: Set<String> = [
        "overwrite.before", "overwrite.after", "executor.nursery_ready", "executor.helper_ended", "executor.handed_on",
    ]

    let names: [String]
    private var random: SeededGenerator
    private var left: [String] = []
    private var count = 0

    init(names: [String], seed: UInt64) {
        self.names = names.filter { !Self.unreachable.contains($0) }
        random = SeededGenerator(seed: seed)
    }

    mutating func next() -> Aim {
        count += 1
        if count % 12 == 0 { return .rest }
        if count % 3 == 0 { return .moment }
        if left.isEmpty {
            // What no load reaches comes first, so that a short run has been everywhere.
            let shuffled = names.shuffled(using: &random)
            left = shuffled.filter { Scene(for: $0).isLoad } + shuffled.filter { !Scene(for: $0).isLoad }
        }
        return left.popLast().map(Aim.failpoint) ?? .moment
    }
}
