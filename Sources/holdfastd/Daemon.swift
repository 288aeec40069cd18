// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HoldfastServer
internal import Ledger
internal import LinuxMount
internal import Logging
internal import MountManager
internal import MountModel
internal import ServiceLifecycle
internal import SystemPackage
internal import UnixSignals

/// The daemon's life: take the lock, open the ledger, prepare the root, recover, serve, and leave everything in place.
struct Daemon {
    let settings: Settings
    let logger: Logger

    /// Returns after SIGTERM or SIGINT, when nothing is in flight any more.
    ///
    /// - Throws: what kept it from starting, with what to do about it.
    func run() async throws(MountError) {
        let kernel = try prepareProcess()
        let lock = try kernel.lock()
        let ledger = try openLedger()
        let parts = try kernel.prepareMounts(logger: logger)
        let manager = MountManager(
            configuration: ManagerConfiguration(
                mountRoot: settings.mountRoot, boot: parts.boot, operationDeadline: settings.operationDeadline),
            ledger: ledger, executor: parts.executor, changes: parts.changes, logger: logger)
        try await manager.start()
        try await serve(manager, parts)
        await manager.stop(within: .seconds(20))
        try await tearDown(parts, ledger)
        do throws(SystemCallError) {
            try lock.release()
        } catch {
            logger.error("the lock could not be released: \(error)")
        }
        logger.notice("stopped; mounts stay in place")
    }

    /// The process's own state, before anything is created.
    private func prepareProcess() throws(MountError) -> Kernel {
        ProcessHardening.setFileCreationMask(0o077)
        try Kernel.translating("turn core dumps off") { () throws(SystemCallError) in
            try ProcessHardening.setCoreDumpsOff()
        }
        return try Kernel(settings: settings)
    }

    private func openLedger() throws(MountError) -> SQLiteLedger {
        do throws(LedgerOpenError) {
            return try SQLiteLedger.open(at: settings.stateFolder.path, steps: CrashPoint.ledgerSteps)
        } catch {
            throw error.error
        }
    }

    private func serve(_ manager: MountManager, _ parts: Kernel.Parts) async throws(MountError) {
        let service = ManagerService(
            manager: manager, executor: parts.executor,
            facts: DaemonFacts(
                version: DaemonVersion.text, pid: ProcessInfo.processInfo.processIdentifier,
                kernelFeatures: parts.features))
        let logger = logger
        let socket = settings.socket
        let server = HTTPServer(service: service, socketPath: socket.path, logger: logger) {
            logger.notice("listening", metadata: ["socket": "\(socket)"])
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: ManagerRunner(manager: manager)), .init(service: server),
                ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch let error as MountError {
            throw error
        } catch {
            throw MountError(.internal, "the server ended: \(error)")
        }
    }

    /// Mounts stay. What only serves Holdfast itself goes, where nothing is in it.
    private func tearDown(_ parts: Kernel.Parts, _ ledger: SQLiteLedger) async throws(MountError) {
        do {
            try await parts.executor.shutDown()
        } catch {
            logger.error("the executor's threads did not end: \(error)")
        }
        try await ledger.close()
        parts.releaseEmptyFolders(logger: logger)
    }
}

/// The manager as a service: it listens to the kernel until the group shuts down.
struct ManagerRunner: Service {
    let manager: MountManager

    func run() async {
        await cancelWhenGracefulShutdown { await manager.run() }
    }
}
