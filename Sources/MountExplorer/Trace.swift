// SPDX-License-Identifier: Apache-2.0

import MountModel

/// A course of events in words, made by going the way once more.
struct Trace {
    private(set) var lines: [String] = []

    init(_ way: [Transition], _ scenario: Scenario) {
        var world = World(scenario)
        for (number, transition) in way.enumerated() {
            let before = world
            var note = ""
            do throws(Violation) {
                _ = try world.apply(transition)
            } catch {
                note = "  ← check \(error.check)"
            }
            lines.append("\(number + 1). \(transition.description)\(note)")
            let (old, new) = (Self.facts(of: before), Self.facts(of: world))
            let changes = zip(old, new).compactMap { $0 == $1 ? nil : $1 }
            if !changes.isEmpty { lines.append("      \(changes.joined(separator: "; "))") }
        }
    }

    private static func facts(of world: World) -> [String] {
        let machine = world.machine
        let layers = world.stack.layers.map { $0.map { "our \($0)" } ?? "theirs" }.joined(separator: " over ")
        return [
            world.isUp ? "up, \(machine.phase)" : "down",
            "runs: \(world.running.map { "\($0)" } ?? "nothing")",
            "writes: \(world.pending.map(Self.text) ?? "nothing")",
            "row: \(text(world.ledger.row))\(world.ledger.isOfOldBoot ? " of an old boot" : "")",
            "held: \(machine.held.sorted())", "durable: \(world.ledger.held.keys.sorted())",
            "persistent: \(world.ledger.persistent.keys.sorted())",
            "synced: \(world.synced.held.keys.sorted())", "promised: \(world.promised.keys.sorted())",
            "vowed: \(world.vowed.keys.sorted())",
            "doomed: \(machine.doomed.sorted())", "seen: \(machine.seen)",
            "mounted: \(layers.isEmpty ? "nothing" : layers)",
            "parked: \(world.slot.map(\.description) ?? "nothing")",
            "moved elsewhere: \(world.elsewhere.map(\.description) ?? "nothing")",
            "external: \(world.external.map(\.description) ?? "nothing")",
            "built: \(machine.built?.id.description ?? "nothing")",
            "dirty: \(machine.isDirty)", "hint pending: \(world.isHintPending)", "timer: \(world.isTimerSet)",
            "orphan: \(world.orphan.map { "\($0)" } ?? "none")",
            "waiting: \(machine.queue.map(text).joined(separator: ", "))",
            "unanswered: \(world.outstanding.map(\.id.description).joined(separator: " "))",
        ]
    }

    private static func text(_ row: Machine.Row?) -> String {
        row.map { "source \($0.source), id \($0.id?.description ?? "none")" } ?? "none"
    }

    private static func text(_ request: Machine.Request) -> String {
        "\(request.id) key \(request.key) \(request.kind)\(request.isAdded ? " added" : "")"
    }

    private static func text(_ batch: Machine.Batch) -> String {
        "\(batch.row) +\(batch.add.sorted()) −\(batch.remove.sorted())\(batch.fullSync ? " synced" : "")"
            + " for \(batch.requests.map(\.id.description).joined(separator: " "))"
    }
}

extension Violation {
    func traced(_ way: [Transition], in scenario: Scenario) -> Violation {
        var copy = self
        copy.trace = Trace(way, scenario).lines
        copy.steps = way.count
        return copy
    }
}
