// SPDX-License-Identifier: Apache-2.0

import Logging
import MountManager
import MountModel
import NIOConcurrencyHelpers
import NIOCore
import SystemPackage

/// The one way a server ends; it may be begun more than once and from any thread.
final class ServerShutdown: Sendable {
    private struct State {
        var listener: any Channel
        var file: SocketFile
        var begun = false
        var error: MountError?
        var cancelDeadline: @Sendable () -> Void = {}
        /// Sees to it that the name stays.
        var watch: Task<Void, Never>?
        /// The name's removal, and the watch's end.
        var removal: Task<MountError?, Never>?
    }

    private let registry: ConnectionRegistry
    private let limits: ServerLimits
    private let logger: Logger
    private let state: NIOLockedValueBox<State>

    init(
        listener: any Channel, file: SocketFile, registry: ConnectionRegistry, limits: ServerLimits, logger: Logger
    ) {
        state = NIOLockedValueBox(State(listener: listener, file: file))
        self.registry = registry
        self.limits = limits
        self.logger = logger
        watchClosing(of: listener)
    }

    /// The name under which it listens.
    var file: SocketFile { state.withLockedValue { $0.file } }

    /// Whether the server ends.
    var hasBegun: Bool { state.withLockedValue { $0.begun } }

    /// Cancels this task when the end begins.
    func adopt(_ watch: Task<Void, Never>) {
        let isLate = state.withLockedValue { state in
            state.watch = watch
            return state.begun
        }
        if isLate { watch.cancel() }
    }

    private func watchClosing(of listener: any Channel) {
        listener.closeFuture.whenComplete { _ in self.listenerHasClosed(listener) }
    }

    /// Lets another one listen, or closes it where the end has begun.
    ///
    /// - Returns: whether it listens.
    /// - Throws: what kept its name from being removed where it does not.
    func replaceListener(by listener: any Channel, file: SocketFile) async throws(MountError) -> Bool {
        let old = state.withLockedValue { state -> (any Channel)? in
            if state.begun { return nil }
            defer { (state.listener, state.file) = (listener, file) }
            return state.listener
        }
        // Nobody finds the old one any more; whom it has accepted stays.
        (old ?? listener).close(promise: nil)
        if old == nil { try await file.remove() } else { watchClosing(of: listener) }
        return old != nil
    }

    /// Has the socket's name removed, stops listening, and gives the connections their time.
    func begin() {
        let current = state.withLockedValue { state in
            defer { state.begun = true }
            return state.begun ? nil : (state.listener, state.file)
        }
        guard let (listener, file) = current else { return }
        let removal = Task { await remove(file) }
        state.withLockedValue { $0.removal = removal }
        let (registry, logger) = (registry, logger)
        let last = listener.eventLoop.scheduleTask(in: TimeAmount(limits.drainTimeout)) {
            logger.warning("requests are still in flight at the end of the shutdown's deadline; closing them")
            registry.closeAll()
        }
        // Before the drain, behind which finish() cancels it.
        state.withLockedValue { $0.cancelDeadline = { last.cancel() } }
        listener.close(promise: nil)
        registry.drain()
    }

    /// Ends the watch and removes the name; the folder's filesystem may hang, which is not waited for for ever.
    ///
    /// - Returns: what kept the name from being removed.
    private func remove(_ file: SocketFile) async -> MountError? {
        let watch = state.withLockedValue { $0.watch }
        watch?.cancel()
        let late = MountError(
            .unavailable,
            "the socket \(file.path) could not be removed within \(limits.removalTimeout): its filesystem hangs",
            context: .init(operation: "stop", target: file.path.string))
        return await Deadline.first(within: limits.removalTimeout, otherwise: late) {
            await watch?.value
            do throws(MountError) {
                try await file.remove()
                return nil
            } catch {
                return error
            }
        }
    }

    /// A listener that closes before it was told to is an error; clients that are being served are let finish.
    private func listenerHasClosed(_ listener: any Channel) {
        let unexpected = state.withLockedValue { state in
            if state.begun || state.listener !== listener { return false }
            state.error = MountError(.unavailable, "the listening socket \(state.file.path) was closed")
            return true
        }
        if unexpected { begin() }
    }

    /// Waits until the listening descriptor is closed too, and the connections that it accepted last, and the name is
    /// removed.
    ///
    /// - Throws: what went wrong on the way.
    func finish() async throws(MountError) {
        do {
            try await state.withLockedValue { $0.listener }.closeFuture.get()
        } catch {
            logger.warning("the listening socket was not closed cleanly", metadata: ["error": "\(error)"])
        }
        await registry.waitUntilDrained()
        let (error, removal, cancelDeadline) = state.withLockedValue { ($0.error, $0.removal, $0.cancelDeadline) }
        cancelDeadline()
        let left = await removal?.value
        if let error = error ?? left { throw error }
    }
}
