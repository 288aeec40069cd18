// SPDX-License-Identifier: Apache-2.0

import MountModel

/// Writes a world into a fingerprint, with the names that `World.fingerprint()` explains.
struct WorldEncoder {
    let keys: KeyNames
    var mixer = FingerprintMixer()
    /// Mount ids by first use, eight bits each; few are in the world at a time.
    private var mounts: UInt64 = 0
    private var mountCount = 0

    init(keys: KeyNames) { self.keys = keys }

    mutating func add(_ world: World) {
        mixer.add(world.isUp)
        add(world.ledger)
        add(world.synced)
        addKernel(world)
        if world.isUp { addDaemon(world) }
        mixer.add(keys.renamed(world.promised))
        mixer.add(keys.renamed(world.vowed))
        mixer.add(world.crashes, 2)
        mixer.add(world.reboots, 2)
        mixer.add(world.outsiders, 2)
        // Last, so that it is only a name for "one that is new" unless a mount of an earlier boot has it.
        addMount(MountID(rawValue: world.nextMount))
    }

    private mutating func addKernel(_ world: World) {
        mixer.add(world.stack.height, 3)
        var rest = world.stack
        while !rest.isEmpty {
            addMount(rest.top)
            rest.pop()
        }
        addMount(world.slot)
        addMount(world.elsewhere)
        addMount(world.external)
        add(world.orphan)
        mixer.add(world.hasOrphanActed)
    }

    private mutating func addDaemon(_ world: World) {
        let machine = world.machine
        mixer.add(machine.isDirty)
        mixer.add(machine.isPurging)
        mixer.add(machine.isReadOnly)
        mixer.add(machine.isTimerArmed)
        mixer.add(world.isHintPending)
        mixer.add(world.hasHung)
        mixer.add(machine.nextRung, 2)
        add(machine.seen)
        add(machine.operation?.kind)
        mixer.add(machine.operation?.isStuck == true)
        mixer.add(machine.operation?.isAborted == true)
        switch world.progress {
        case .started: mixer.add(0, 2)
        case .acted: mixer.add(1, 2)
        case .looked(let seen):
            mixer.add(2, 2)
            add(seen)
        case .parked: mixer.add(3, 2)
        }
        add(machine.built?.row)
        mixer.add(keys.renamed(KeySet(machine.doomed)))
        mixer.add(machine.queue.count, 3)
        for request in machine.queue { add(request, arrival: world.arrival(of: request)) }
        addWrite(world)
    }

    private mutating func addWrite(_ world: World) {
        guard let batch = world.machine.write else {
            mixer.add(false)
            return
        }
        mixer.add(true)
        switch batch.row {
        case .keep: mixer.add(0, 2)
        case .delete: mixer.add(1, 2)
        case .set(let row):
            mixer.add(2, 2)
            add(row)
        case .purge(let row):
            mixer.add(3, 2)
            add(row)
        }
        mixer.add(keys.renamed(KeySet(batch.add)))
        mixer.add(keys.renamed(KeySet(batch.remove)))
        mixer.add(keys.renamed(KeySet(batch.persistent)))
        mixer.add(batch.fullSync)
        mixer.add(batch.requests.count, 3)
        for request in batch.requests { add(request, arrival: world.arrival(of: request)) }
    }

    // MARK: Parts

    private mutating func add(_ copy: World.LedgerCopy) {
        add(copy.row)
        mixer.add(keys.renamed(copy.held))
        mixer.add(keys.renamed(copy.persistent))
        mixer.add(copy.isOfOldBoot)
    }

    private mutating func add(_ row: Machine.Row?) {
        guard let row else {
            mixer.add(3, 2)
            return
        }
        mixer.add(Int(row.source.number), 2)
        addMount(row.id)
    }

    private mutating func addMount(_ id: MountID?) {
        guard let id else {
            mixer.add(0, 4)
            return
        }
        for index in 0..<mountCount where mounts >> UInt64(index * 8) & 0xFF == id.rawValue {
            mixer.add(index + 1, 4)
            return
        }
        precondition(mountCount < 8 && id.rawValue < 256, "more mounts than the fingerprint has room for")
        mounts |= id.rawValue << UInt64(mountCount * 8)
        mountCount += 1
        mixer.add(mountCount, 4)
    }

    private mutating func add(_ operation: Machine.Operation.Kind?) {
        switch operation {
        case nil: mixer.add(0, 3)
        case .inspect(let id):
            mixer.add(1, 3)
            addMount(id)
        case .build(let source):
            mixer.add(2, 3)
            mixer.add(Int(source.number), 2)
        case .place(let id):
            mixer.add(3, 3)
            addMount(id)
        case .unmount(let id, let rung):
            mixer.add(4, 3)
            addMount(id)
            mixer.add(rung, 2)
        case .orphan: mixer.add(5, 3)
        }
    }

    private mutating func add(_ seen: Machine.Seen) {
        switch seen {
        case .unknown: mixer.add(0, 3)
        case .empty: mixer.add(1, 3)
        case .ours: mixer.add(2, 3)
        case .covered: mixer.add(3, 3)
        case .foreign: mixer.add(4, 3)
        case .moved: mixer.add(5, 3)
        }
    }

    private mutating func add(_ request: Machine.Request, arrival: Int) {
        mixer.add(arrival, 3)
        mixer.add(Int(keys.name(of: request.key)), 3)
        mixer.add(request.isAdded)
        switch request.kind {
        case .attach(let source, let persistent):
            mixer.add(0, 2)
            mixer.add(Int(source.number), 2)
            mixer.add(persistent)
        case .detach: mixer.add(1, 2)
        case .undo(let answer):
            mixer.add(2, 2)
            mixer.add(Machine.Answer.allCases.firstIndex(of: answer) ?? 15, 4)
        }
    }
}

extension World {
    func arrival(of request: Machine.Request) -> Int { outstanding.firstIndex { $0.id == request.id } ?? 7 }
}
