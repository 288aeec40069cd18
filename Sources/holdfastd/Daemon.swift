// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HoldfastServer
internal import Ledger
internal import LinuxMount
internal import Logging
internal import MountManager
internal import MountModel
internal import ServiceLifecycle
internal import UnixSignals

/// The daemon's life: prepare the host, recover, serve, and leave everything in place.
struct Daemon {
    let settings: Settings
    let logger: Logger

    /// How long the end waits for what is under way, after the server has given its requests as long at most.
    private static let patience = Duration.seconds(10)

    /// Returns after SIGTERM or SIGINT, when nothing is in flight any more.
    ///
    /// - Throws: what kept it from starting, with what to do about it.
    func run() async throws(MountError) {
        try hardenProcess()
        let host = try LinuxHost(settings.host(Failpoints.fromEnvironment()), logger: logger)
        do throws(MountError) {
            try await host.start()
            try await serve(host)
        } catch {
            // What recovery has begun is ended in order; what failed first is what is told.
            do throws(MountError) { try await host.stop(within: Self.patience) } catch { logger.error("\(error)") }
            throw error
        }
        try await host.stop(within: Self.patience)
        logger.notice("stopped; mounts stay in place")
    }

    /// All connections, two for each worker, one for each mount that is built and not placed, and some for itself.
    private static let wantedDescriptors = 4096

    /// The process's own state, before anything is created.
    private func hardenProcess() throws(MountError) {
        ProcessHardening.setFileCreationMask(0o077)
        do throws(SystemCallError) {
            try ProcessHardening.limitAllocatorArenas(to: 2)
        } catch {
            logger.warning("the process may use more memory than it needs", metadata: ["reason": "\(error)"])
        }
        do throws(SystemCallError) {
            try ProcessHardening.setCoreDumpsOff()
        } catch {
            throw MountError(.internal, "cannot turn core dumps off: \(error)")
        }
        do throws(SystemCallError) {
            let limit = try ProcessHardening.raiseDescriptorLimit()
            if limit < Self.wantedDescriptors {
                logger.warning(
                    "the limit on open files is low: with many connections and mounts, requests will fail or wait",
                    metadata: ["limit": "\(limit)", "wanted": "\(Self.wantedDescriptors)"])
            }
        } catch {
            logger.warning("the limit on open files stays as it is", metadata: ["reason": "\(error)"])
        }
    }

    private func serve(_ host: LinuxHost) async throws(MountError) {
        let load = ConnectionLoad()
        let service = ManagerService(
            manager: host.manager, executor: host.executor,
            facts: DaemonFacts(
                version: DaemonVersion.text, pid: ProcessInfo.processInfo.processIdentifier,
                kernelFeatures: host.kernelFeatures, workers: { host.workerCounts }, connections: { load.use },
                looks: { await host.looks }, ledger: { await host.ledgerCounters?.byName },
                diagnose: { await host.diagnose() },
                knownFindings: { await host.knownFindings() }))
        let logger = logger
        let socket = settings.socket
        let server = HTTPServer(service: service, socketPath: socket.path, logger: logger, load: load) {
            logger.notice("listening", metadata: ["socket": "\(socket)"])
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    // Shut down from the last to the first: who waits is answered before the server drains.
                    .init(service: server), .init(service: ManagerRunner(manager: host.manager)),
                ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch let error as MountError {
            throw error
        } catch {
            throw MountError(.internal, "the server ended: \(error)")
        }
    }
}

/// The manager as a service: it listens to the kernel until the group shuts down.
struct ManagerRunner: Service {
    let manager: MountManager

    func run() async {
        await cancelWhenGracefulShutdown { await manager.run() }
        await manager.stopAccepting()
    }
}
