// SPDX-License-Identifier: Apache-2.0

public import HoldfastAPI
import HummingbirdCore
public import Logging
public import MountModel
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import ServiceLifecycle
public import SystemPackage

/// Holdfast's HTTP API on a Unix socket.
///
/// Only root may use it, by the kernel's word about the peer. At a graceful shutdown the socket disappears, new
/// connections are refused, and requests in flight are answered, for as long as `ServerLimits.drainTimeout`.
///
/// A client that hangs up withdraws its request: the task that calls the `MountService` is cancelled. One that has only
/// closed its sending half (`man 2 shutdown`, SHUT_WR) gets its answer. On a Unix socket the kernel tells the two
/// apart: POLLHUP for the first, POLLRDHUP for the second (`man 2 poll`).
public struct HTTPServer: Service {
    private let service: any MountService
    private let socketPath: FilePath
    private let limits: ServerLimits
    private let logger: Logger
    private let load: ConnectionLoad
    private let onListening: @Sendable () async -> Void

    /// Puts the parts together; nothing is opened before `run()`.
    ///
    /// - Parameters:
    ///   - load: told how many connections there are.
    ///   - onListening: called once clients can connect, for example to tell the service manager; and again where the
    ///     socket had to be made anew.
    public init(
        service: any MountService, socketPath: FilePath, limits: ServerLimits = ServerLimits(), logger: Logger,
        load: ConnectionLoad = ConnectionLoad(), onListening: @escaping @Sendable () async -> Void = {}
    ) {
        self.service = service
        self.socketPath = socketPath
        self.limits = limits
        self.logger = logger
        self.load = load
        self.onListening = onListening
    }

    /// Serves until a graceful shutdown or until the task is cancelled, then removes the socket. Blocks no thread.
    ///
    /// The caller holds the daemon's lock: a socket file that is there already is a dead daemon's and is replaced. One
    /// that others remove, or replace by one on which nobody listens, is made anew within about a second; requests that
    /// are under way do not notice.
    ///
    /// - Throws: `invalid_argument`, `conflict` or `unavailable` where it cannot listen; `unavailable` where listening
    ///   ends by itself.
    public func run() async throws(MountError) {
        let socket = try ListeningSocket(at: socketPath, backlog: CInt(clamping: limits.connections))
        let registry = ConnectionRegistry(limit: limits.connections, load: load, logger: logger)
        let listener = try await listen(on: socket, registry: registry)
        let shutdown = Shutdown(
            listener: listener, file: socket.file, registry: registry, deadline: limits.drainTimeout, logger: logger)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await onListening()
                // Cancelled at the end of this scope, and waited for.
                async let _: Void = stayReachable(registry, until: shutdown)
                await registry.waitUntilDrained()
            } onGracefulShutdown: {
                shutdown.begin()
            }
        } onCancel: {
            shutdown.begin()
            registry.closeAll()
        }
        try await shutdown.finish()
    }

    /// Looks once a second whether the socket's name still leads to somebody, until the task is cancelled.
    private func stayReachable(_ registry: ConnectionRegistry, until shutdown: Shutdown) async {
        var problem: MountError?
        while true {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            do throws(MountError) {
                if let socket = try await successor(of: shutdown) {
                    let listener = try await listen(on: socket, registry: registry)
                    try shutdown.replaceListener(by: listener, file: socket.file)
                    logger.warning("the socket was removed, and is made anew", metadata: ["socket": "\(socketPath)"])
                    await onListening()
                }
                problem = nil
            } catch {
                if error != problem { logger.error("\(error)") }
                problem = error
            }
        }
    }

    /// A new socket, where nobody can reach the present one; on a thread, because the folder's filesystem may hang.
    private func successor(of shutdown: Shutdown) async throws(MountError) -> ListeningSocket? {
        let backlog = CInt(clamping: limits.connections)
        let result: Result<ListeningSocket?, MountError>
        do {
            result = try await NIOThreadPool.singleton.runIfActive {
                do throws(MountError) {
                    guard !shutdown.hasBegun else { return .success(nil) }
                    return .success(try ListeningSocket(replacing: shutdown.file, backlog: backlog))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            // Cancelled before it has begun.
            return nil
        }
        return try result.get()
    }

    private func listen(on socket: ListeningSocket, registry: ConnectionRegistry) async throws(MountError)
        -> any Channel
    {
        let acceptor = ConnectionAcceptor(
            limits: limits, registry: registry, responder: RequestResponder(service: service, logger: logger),
            logger: logger)
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                // A half-closed client still reads: its answer is not dropped.
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptedConnectionHandler(registry))
                    }
                }
                .childChannelInitializer { acceptor.accept($0) }
                .withBoundSocket(socket.descriptor).get()
        } catch {
            var failure = MountError(
                .unavailable, "cannot listen on \(socketPath): \(error)", context: .init(operation: "listen"))
            do throws(MountError) {
                try socket.file.remove()
            } catch {
                failure.cleanupFailures = [error.message]
            }
            throw failure
        }
    }
}

/// The one way a server ends; it may be begun more than once and from any thread.
private final class Shutdown: Sendable {
    private struct State {
        var listener: any Channel
        var file: SocketFile
        var begun = false
        var error: MountError?
        var cancelDeadline: @Sendable () -> Void = {}
    }

    private let registry: ConnectionRegistry
    private let deadline: Duration
    private let logger: Logger
    private let state: NIOLockedValueBox<State>

    init(
        listener: any Channel, file: SocketFile, registry: ConnectionRegistry, deadline: Duration, logger: Logger
    ) {
        state = NIOLockedValueBox(State(listener: listener, file: file))
        self.registry = registry
        self.deadline = deadline
        self.logger = logger
        watch(listener)
    }

    /// The name under which it listens.
    var file: SocketFile { state.withLockedValue { $0.file } }

    /// Whether the server ends.
    var hasBegun: Bool { state.withLockedValue { $0.begun } }

    private func watch(_ listener: any Channel) {
        listener.closeFuture.whenComplete { _ in self.listenerHasClosed(listener) }
    }

    /// Lets another one listen, or closes it where the end has begun.
    ///
    /// - Throws: what kept its name from being removed then.
    func replaceListener(by listener: any Channel, file: SocketFile) throws(MountError) {
        let old = state.withLockedValue { state -> (any Channel)? in
            if state.begun { return nil }
            defer { (state.listener, state.file) = (listener, file) }
            return state.listener
        }
        // Nobody finds the old one any more; whom it has accepted stays.
        (old ?? listener).close(promise: nil)
        if old == nil { try file.remove() } else { watch(listener) }
    }

    /// Removes the socket's name, stops listening, and gives the connections their time.
    func begin() {
        let current = state.withLockedValue { state in
            defer { state.begun = true }
            return state.begun ? nil : (state.listener, state.file)
        }
        guard let (listener, file) = current else { return }
        do throws(MountError) {
            try file.remove()
        } catch {
            state.withLockedValue { $0.error = error }
        }
        let (registry, logger) = (registry, logger)
        let last = listener.eventLoop.scheduleTask(in: TimeAmount(deadline)) {
            logger.warning("requests are still in flight at the end of the shutdown's deadline; closing them")
            registry.closeAll()
        }
        // Before the drain, behind which finish() cancels it.
        state.withLockedValue { $0.cancelDeadline = { last.cancel() } }
        listener.close(promise: nil)
        registry.drain()
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

    /// Waits until the listening descriptor is closed too, and the connections that it accepted last.
    ///
    /// - Throws: what went wrong on the way.
    func finish() async throws(MountError) {
        do {
            try await state.withLockedValue { $0.listener }.closeFuture.get()
        } catch {
            logger.warning("the listening socket was not closed cleanly", metadata: ["error": "\(error)"])
        }
        await registry.waitUntilDrained()
        let (error, cancelDeadline) = state.withLockedValue { ($0.error, $0.cancelDeadline) }
        cancelDeadline()
        if let error { throw error }
    }
}
