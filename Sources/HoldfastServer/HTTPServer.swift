// SPDX-License-Identifier: Apache-2.0

public import HoldfastAPI
import HummingbirdCore
public import Logging
public import MountModel
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
    /// Outlives a socket that has to be made anew.
    private let tally = RequestTally()
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

    /// Serves until a graceful shutdown or until the task is cancelled, then removes the socket. Blocks no thread, and
    /// its end waits no longer than `ServerLimits.removalTimeout` for a filesystem that hangs.
    ///
    /// The caller holds the daemon's lock: a socket file that is there already is a dead daemon's and is replaced. One
    /// that others remove, or replace by one on which nobody listens, is made anew within about a second; requests that
    /// are under way do not notice.
    ///
    /// - Throws: `invalid_argument`, `conflict` or `unavailable` where it cannot listen; `unavailable` where listening
    ///   ends by itself, or the socket could not be removed.
    public func run() async throws(MountError) {
        let socket = try ListeningSocket(at: socketPath, backlog: CInt(clamping: limits.connections))
        let registry = ConnectionRegistry(limit: limits.connections, load: load, logger: logger)
        let listener = try await listen(on: socket, registry: registry)
        let shutdown = ServerShutdown(
            listener: listener, file: socket.file, registry: registry, limits: limits, logger: logger)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await onListening()
                shutdown.adopt(Task { await stayReachable(registry, until: shutdown) })
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

    /// Looks once a second whether the socket's name still leads to somebody, until the task is cancelled; then a look
    /// that is under way is ended first, and what it has made.
    private func stayReachable(_ registry: ConnectionRegistry, until shutdown: ServerShutdown) async {
        var problem: MountError?
        while true {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            logger.trace("looking whether the socket is in its place", metadata: ["socket": "\(socketPath)"])
            do throws(MountError) {
                if let socket = try await successor(of: shutdown) {
                    let listener = try await listen(on: socket, registry: registry)
                    guard try await shutdown.replaceListener(by: listener, file: socket.file) else { return }
                    logger.warning(
                        "the socket was removed or replaced, and is made anew", metadata: ["socket": "\(socketPath)"])
                    await onListening()
                }
                problem = nil
            } catch {
                if error != problem { logger.error("\(error)") }
                problem = error
            }
        }
    }

    /// A new socket, where nobody can reach the present one.
    private func successor(of shutdown: ServerShutdown) async throws(MountError) -> ListeningSocket? {
        let backlog = CInt(clamping: limits.connections)
        return try await SocketFile.onThread { () throws(MountError) in
            guard !shutdown.hasBegun else { return nil }
            return try ListeningSocket(replacing: shutdown.file, backlog: backlog)
        }
    }

    private func listen(on socket: ListeningSocket, registry: ConnectionRegistry) async throws(MountError)
        -> any Channel
    {
        let acceptor = ConnectionAcceptor(
            limits: limits, registry: registry,
            responder: RequestResponder(service: service, tally: tally, logger: logger),
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
                try await socket.file.remove()
            } catch {
                failure.cleanupFailures = [error.message]
            }
            throw failure
        }
    }
}
