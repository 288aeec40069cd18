// SPDX-License-Identifier: Apache-2.0

import MountModel

/// A defect put between the product's machine and the world, which the explorer must find: it shows that the checks have
/// teeth.
public struct Mutant: Sendable {
    /// What is wrong, in a few words.
    public let name: String
    /// The event as the machine is told it; nil if it is kept from it.
    let event: @Sendable (_ before: Machine, _ event: Machine.Event) -> Machine.Event?
    /// The effects as they are carried out.
    let effects: @Sendable (_ before: Machine, _ event: Machine.Event, _ effects: [Machine.Effect]) -> [Machine.Effect]
    /// Whether a recovery takes an earlier boot's ids for this one's.
    let trustsOldBoot: Bool

    init(
        _ name: String, trustsOldBoot: Bool = false,
        event: @escaping @Sendable (Machine, Machine.Event) -> Machine.Event? = { $1 },
        effects: @escaping @Sendable (Machine, Machine.Event, [Machine.Effect]) -> [Machine.Effect] = { $2 }
    ) {
        self.name = name
        self.trustsOldBoot = trustsOldBoot
        self.event = event
        self.effects = effects
    }
}

extension Mutant {
    /// All of them.
    public static let all: [Mutant] = order + truth + books

    // MARK: Things done in the wrong order

    private static let order: [Mutant] = [
        Mutant(
            "unmounts while attachments are left",
            effects: { before, event, effects in
                guard case .committed(true) = event, let id = before.row?.id, before.write?.remove.isEmpty == false,
                    before.held.count > 1
                else { return effects }
                return effects + [.unmount(id, rung: 0)]
            }),
        Mutant(
            "unmounts at a detach of what is not attached",
            effects: { before, event, effects in
                guard let id = before.row?.id, before.operation == nil,
                    effects.contains(where: { if case .reply(_, .notAttached) = $0 { true } else { false } })
                else { return effects }
                return effects + [.unmount(id, rung: 0)]
            }),
        Mutant(
            "answers an attach before it is durable",
            effects: { _, _, effects in
                effects.flatMap { effect -> [Machine.Effect] in
                    guard case .write(let batch) = effect else { return [effect] }
                    return batch.requests.filter(\.isAttach).map { .reply($0.id, .attached) } + [effect]
                }
            }),
        Mutant(
            "answers a detach before it is durable",
            effects: { _, _, effects in
                effects.flatMap { effect -> [Machine.Effect] in
                    guard case .write(let batch) = effect else { return [effect] }
                    return batch.requests.filter(\.isRemoval).map { .reply($0.id, .detached) } + [effect]
                }
            }),
        Mutant(
            "starts a second operation",
            effects: { before, event, effects in
                guard case .hint = event, before.operation != nil else { return effects }
                return effects + [.inspect(before.row?.id)]
            }),
        Mutant(
            "places before the row is durable",
            effects: { _, event, effects in
                guard case .built(let id?) = event else { return effects }
                return effects + [.place(id)]
            }),
        Mutant(
            "unmounts before the last detach is durable",
            effects: { before, _, effects in
                effects.flatMap { effect -> [Machine.Effect] in
                    guard case .write(let batch) = effect, let id = before.row?.id, before.operation == nil,
                        batch.remove == before.held, !batch.remove.isEmpty
                    else { return [effect] }
                    return [effect, .unmount(id, rung: 0)]
                }
            }),
    ]

    // MARK: Things believed that are not so

    private static let truth: [Mutant] = [
        Mutant("ignores hints", event: { _, event in event == .hint ? nil : event }),
        Mutant(
            "takes a busy unmount for done",
            event: { before, event in
                guard case .unmount = before.operation?.kind, event == .operationEnded(.ours) else { return event }
                return .operationEnded(.empty)
            }),
        Mutant(
            "takes a covered mount for usable",
            event: { _, event in
                event == .operationEnded(.covered) ? .operationEnded(.ours) : event
            }),
        Mutant(
            "recovers from the ledger without a look at the kernel",
            event: { before, event in
                guard before.seen == .unknown, before.row?.id != nil, before.operation?.kind == .inspect,
                    case .operationEnded = event
                else { return event }
                return .operationEnded(.ours)
            }),
        Mutant("believes ids of an earlier boot", trustsOldBoot: true),
        Mutant(
            "takes a failed placement for a mount",
            event: { before, event in
                guard case .place = before.operation?.kind, event == .operationEnded(.empty) else { return event }
                return .operationEnded(.ours)
            }),
        Mutant(
            "takes a stuck operation for ended",
            event: { _, event in
                event == .operationStuck ? .operationEnded(.empty) : event
            }),
        Mutant(
            "takes a failed write for durable",
            event: { _, event in
                event == .committed(false) ? .committed(true) : event
            }),
    ]

    // MARK: Things forgotten

    private static let books: [Mutant] = [
        Mutant(
            "tells a failure to the first waiter only",
            effects: { _, event, effects in
                guard event == .built(nil) else { return effects }
                var isTold = false
                return effects.filter { effect in
                    guard case .reply = effect else { return true }
                    defer { isTold = true }
                    return !isTold
                }
            }),
        Mutant(
            "answers a cancelled request twice",
            effects: { _, _, effects in
                effects.flatMap { effect -> [Machine.Effect] in
                    if case .reply(_, .cancelled) = effect { [effect, effect] } else { [effect] }
                }
            }),
        Mutant(
            "deletes the row before the unmount",
            effects: { before, _, effects in
                effects.map { effect in
                    guard case .write(var batch) = effect, batch.row == .keep, batch.remove == before.held else {
                        return effect
                    }
                    batch.row = .delete
                    return .write(batch)
                }
            }),
        Mutant(
            "does not sync persistent attachments",
            effects: { _, _, effects in
                effects.map { effect in
                    guard case .write(var batch) = effect, !batch.add.isEmpty else { return effect }
                    batch.fullSync = false
                    return .write(batch)
                }
            }),
        Mutant(
            "does not sync detaches of persistent attachments",
            effects: { _, _, effects in
                effects.map { effect in
                    guard case .write(var batch) = effect, !batch.remove.isEmpty else { return effect }
                    batch.fullSync = false
                    return .write(batch)
                }
            }),
        Mutant("keeps the descriptor of a placed mount", effects: { _, _, effects in effects.filter { $0 != .close } }),
        Mutant("schedules no retry", effects: { _, _, effects in effects.filter { $0 != .arm } }),
    ]
}
