// SPDX-License-Identifier: Apache-2.0

/// Holds operations up by their kind, so that a test decides what overlaps with what.
actor OperationGate {
    private var isHeld: Set<SimulatedKernel.Operation> = []
    private var held: [SimulatedKernel.Operation: [CheckedContinuation<Void, Never>]] = [:]
    private var watchers:
        [(operation: SimulatedKernel.Operation, count: Int, continuation: CheckedContinuation<Void, Never>)] =
            []

    func hold(_ operation: SimulatedKernel.Operation) { isHeld.insert(operation) }

    func pass(_ operation: SimulatedKernel.Operation) async {
        guard isHeld.contains(operation) else { return }
        await withCheckedContinuation { continuation in
            held[operation, default: []].append(continuation)
            tellWatchers()
        }
    }

    func waitUntilHeld(_ operation: SimulatedKernel.Operation, _ count: Int) async {
        guard held[operation, default: []].count < count else { return }
        await withCheckedContinuation { watchers.append((operation, count, $0)) }
    }

    func letGo(_ operation: SimulatedKernel.Operation) {
        isHeld.remove(operation)
        for continuation in held.removeValue(forKey: operation) ?? [] { continuation.resume() }
    }

    private func tellWatchers() {
        watchers.removeAll { watcher in
            guard held[watcher.operation, default: []].count >= watcher.count else { return false }
            watcher.continuation.resume()
            return true
        }
    }
}
