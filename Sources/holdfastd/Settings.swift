// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import Foundation
internal import Logging
internal import MountManager
internal import MountModel
internal import SystemPackage

/// What the daemon runs with: checked, and complete.
struct Settings {
    var stateFolder: Mountpoint
    var runtimeFolder: Mountpoint
    var mountRoot: Mountpoint
    var socket: Mountpoint
    var worker: FilePath
    var logLevel: Logger.Level
    var allowsPrivateNamespace: Bool
    var threads: Int
    var operationDeadline: Duration
    var reconcile: ReconcilePolicy
    /// On the command line only: it is a decision, not a setting.
    var beginsNewLedger = false
    var limits: ManagerLimits
    var probes: ProbePolicy
    var ladder: UnmountLadder
    var catalog: FilesystemCatalog

    static let defaults = (
        stateFolder: "/var/lib/holdfast/state", runtimeFolder: "/run/holdfast", mountRoot: "/var/lib/holdfast/mounts"
    )

    /// Checks what the file and the flags say.
    ///
    /// - Throws: `invalid_argument`, which names the setting.
    init(_ file: SettingsFile) throws(MountError) {
        stateFolder = try Self.path(file.stateFolder ?? Self.defaults.stateFolder, "state_dir")
        runtimeFolder = try Self.path(file.runtimeFolder ?? Self.defaults.runtimeFolder, "runtime_dir")
        mountRoot = try Self.path(file.mountRoot ?? Self.defaults.mountRoot, "mount_root")
        socket = try Self.path(file.socket ?? "\(runtimeFolder)/holdfast.sock", "socket")
        worker =
            try file.worker.map { text throws(MountError) in try Self.path(text, "worker").path } ?? Self.workerProgram
        let level = file.logLevel ?? "info"
        guard let logLevel = Logger.Level(rawValue: level) else {
            throw .invalidArgument(
                "log_level is '\(InputText.quoted(level))'",
                hint: "one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.logLevel = logLevel
        allowsPrivateNamespace = file.allowsPrivateNamespace ?? false
        threads = file.threads ?? 16
        guard (1...1024).contains(threads) else {
            throw .invalidArgument("threads is \(threads)", hint: "1 to 1024 are allowed")
        }
        let seconds = file.operationDeadlineSeconds ?? 60
        guard (1...3600).contains(seconds) else {
            throw .invalidArgument("operation_deadline_seconds is \(seconds)", hint: "1 to 3600 are allowed")
        }
        operationDeadline = .seconds(seconds)
        catalog = try FilesystemCatalog.standard.adding(
            (file.types ?? [:]).sorted { $0.key < $1.key }.map(TypeDefinition.init))
        reconcile = try ReconcilePolicy(file.reconcile, catalog)
        limits = try ManagerLimits(file.limits)
        probes = try ProbePolicy(file.probe)
        ladder = try UnmountLadder(file.unmount, probes)
        guard !mountRoot.path.starts(with: stateFolder.path), !mountRoot.path.starts(with: runtimeFolder.path) else {
            throw .invalidArgument(
                "mount_root \(mountRoot) is inside state_dir or runtime_dir, which only root can enter",
                hint: "choose a folder that consumers can reach")
        }
        guard stateFolder != runtimeFolder else {
            throw .invalidArgument(
                "state_dir and runtime_dir are both \(stateFolder)",
                hint: "the first is to outlive a reboot, and the second is not: /var/lib/holdfast and /run/holdfast")
        }
        for (name, folder) in [("state_dir", stateFolder), ("runtime_dir", runtimeFolder)]
        where folder.path.starts(with: mountRoot.path) {
            throw .invalidArgument(
                "\(name) \(folder) is inside mount_root \(mountRoot), where filesystems are mounted",
                hint: "choose a folder elsewhere")
        }
    }

    /// What the host is prepared with, and where it is stopped or killed in tests.
    func host(_ failpoints: Failpoints) -> LinuxHost.Options {
        var options = LinuxHost.Options(
            stateFolder: stateFolder, runtimeFolder: runtimeFolder, mountRoot: mountRoot)
        options.allowsPrivateNamespace = allowsPrivateNamespace
        options.threads = threads
        options.operationDeadline = operationDeadline
        options.catalog = catalog
        options.reconcile = reconcile
        options.limits = limits
        options.probes = probes
        options.ladder = ladder
        options.beginsNewLedger = beginsNewLedger
        options.workerProgram = worker
        options.workerEnvironment = failpoints.workerEnvironment
        options.executorSteps = failpoints.executorSteps
        options.ledgerSteps = failpoints.ledgerSteps
        return options
    }

    /// The worker that was installed with this daemon: beside it, or where packages put it.
    private static var workerProgram: FilePath {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = FilePath(own).removingLastComponent().appending("holdfast-worker")
        let installed: FilePath = "/usr/libexec/holdfast/holdfast-worker"
        let isInstalled = FileManager.default.isExecutableFile(atPath: installed.string)
        return isInstalled && !FileManager.default.isExecutableFile(atPath: beside.string) ? installed : beside
    }

    private static func path(_ text: String, _ name: String) throws(MountError) -> Mountpoint {
        do throws(MountError) {
            return try Mountpoint(text, as: "path")
        } catch {
            throw .invalidArgument("\(name): \(error.message)", hint: error.hint)
        }
    }
}

extension ReconcilePolicy {
    /// Checks what the file says.
    ///
    /// - Throws: `invalid_argument`, which names the setting.
    fileprivate init(_ table: SettingsFile.ReconcileTable?, _ catalog: FilesystemCatalog) throws(MountError) {
        self.init()
        guard let table else { return }
        if let text = table.action { otherwise = try Self.action(text) }
        for rule in table.rules ?? [] {
            let type = try rule.type.map { name throws(MountError) in try Self.type(name, catalog) }
            rules.append(Rule(type: type, source: rule.source, action: try Self.action(rule.action)))
        }
    }

    /// A type that nobody mounts would be a rule that never holds.
    private static func type(
        _ name: String, _ catalog: FilesystemCatalog
    ) throws(MountError) -> FilesystemType {
        do throws(MountError) {
            return try catalog.entry(FilesystemType(rawValue: name)).type
        } catch {
            throw .invalidArgument("the type of a rule of reconcile: \(error.message)", hint: error.hint)
        }
    }

    private static func action(_ text: String) throws(MountError) -> Action {
        if let action = Action(rawValue: text) { return action }
        throw .invalidArgument(
            "the action of reconcile is '\(InputText.quoted(text))'",
            hint: "one of \(Action.allCases.map(\.rawValue).joined(separator: ", "))")
    }
}

extension TypeDefinition {
    fileprivate init(_ name: String, _ table: SettingsFile.TypeTable) {
        self.init(
            name: name, kind: table.kind, filesystem: table.filesystem, program: table.program, source: table.source,
            options: table.options ?? [])
    }
}

extension ManagerLimits {
    /// Checks what the file says.
    ///
    /// - Throws: `invalid_argument`, which names the setting.
    fileprivate init(_ table: SettingsFile.LimitsTable?) throws(MountError) {
        self.init()
        guard let table else { return }
        mounts = try Self.number(table.mounts, "mounts", 1...1_000_000) ?? mounts
        attachments = try Self.number(table.attachments, "attachments", 1...10_000_000) ?? attachments
        waiting = try Self.number(table.waitingRequests, "waiting_requests", 1...1_000_000) ?? waiting
        waitingAtMountpoint =
            try Self.number(table.waitingPerMountpoint, "waiting_per_mountpoint", 1...1_000_000) ?? waitingAtMountpoint
        awaitedOperations = try Self.number(table.operations, "operations", 1...100_000) ?? awaitedOperations
        operationsPerServer =
            try Self.number(table.operationsPerServer, "operations_per_server", 1...1024) ?? operationsPerServer
        if let seconds = try Self.number(table.requestTimeoutSeconds, "request_timeout_seconds", 1...86_400) {
            requestTime = .seconds(seconds)
        }
    }

    private static func number(
        _ number: Int?, _ name: String, _ range: ClosedRange<Int>
    ) throws(MountError) -> Int? {
        guard let number, !range.contains(number) else { return number }
        throw .invalidArgument(
            "\(name) of limits is \(number)", hint: "\(range.lowerBound) to \(range.upperBound) are allowed")
    }
}
