// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import MountModel

extension MountManager {
    /// Unmounts by the rung that the machine asks for, or by the one after it where the filesystem is silent.
    func unmount(_ id: MountID, rung: Int, of machine: Machine) {
        let mountpoint = machine.mountpoint
        let executor = executor
        let server = machine.state.row.flatMap { configuration.catalog.server(of: $0.source.source) }
        if let tried = machine.takeHungUnmount(beginningAt: rung) {
            return operate(machine, in: .table, server: server) { .ended(tried) }
        }
        let probe = probing[id]
        let ladder = configuration.ladder
        let rungIfSilent = ladder.rung(inPlaceOf: rung, isSilent: machine.silence != nil)
        let wasSilent = machine.silence.map { $0.refusal == nil } ?? false
        // As long as it is asked it is in use; who asks in vain is ended by the ladder.
        probe?.cancel()
        operate(machine, in: .table, server: server) {
            await probe?.value
            var rung = rung
            // What it said last may be long ago, and a plain unmount loses nothing.
            if rungIfSilent != rung,
                await executor.probe(id, at: mountpoint, within: ladder.patience).answer.isSilence(after: wasSilent)
            {
                rung = rungIfSilent
            }
            return await .ended(executor.unmount(id, from: mountpoint, rung: rung))
        }
    }
}
