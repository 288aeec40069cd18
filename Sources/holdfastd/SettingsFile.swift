// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import LinuxMount
internal import MountModel
internal import SystemPackage
internal import TOMLKit

/// The configuration file, as it is written.
struct SettingsFile: Codable {
    var stateFolder: String?
    var runtimeFolder: String?
    var mountRoot: String?
    var socket: String?
    var worker: String?
    var logLevel: String?
    var allowsPrivateNamespace: Bool?
    var threads: Int?
    var operationDeadlineSeconds: Int?
    var reconcile: ReconcileTable?
    var limits: LimitsTable?
    var probe: ProbeTable?
    var unmount: UnmountTable?
    var types: [String: TypeTable]?

    /// `[types.NAME]`: a type of the administrator's, or more options of one that is built in.
    struct TypeTable: Codable {
        var kind: String?
        var filesystem: String?
        var program: String?
        var source: String?
        var options: [String]?

        enum CodingKeys: String, CodingKey, CaseIterable { case kind, filesystem, program, source, options }
    }

    /// `[limits]`: how much the daemon takes on at one time.
    struct LimitsTable: Codable {
        var mounts: Int?
        var attachments: Int?
        var waitingRequests: Int?
        var waitingPerMountpoint: Int?
        var operations: Int?
        var operationsPerServer: Int?
        var requestTimeoutSeconds: Int?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case mounts, attachments
            case waitingRequests = "waiting_requests"
            case waitingPerMountpoint = "waiting_per_mountpoint"
            case operations
            case operationsPerServer = "operations_per_server"
            case requestTimeoutSeconds = "request_timeout_seconds"
        }
    }

    /// `[probe]`: how filesystems with a server are asked whether they are there.
    struct ProbeTable: Codable {
        var intervalSeconds: Int?
        var timeoutSeconds: Int?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case intervalSeconds = "interval_seconds"
            case timeoutSeconds = "timeout_seconds"
        }
    }

    /// `[unmount]`: what is done about a mount that nobody needs any more and whose filesystem does not answer.
    struct UnmountTable: Codable {
        var whenSilent: String?

        enum CodingKeys: String, CodingKey, CaseIterable { case whenSilent = "when_silent" }
    }

    /// `[reconcile]`: what is done about mounts that others have changed.
    struct ReconcileTable: Codable {
        var action: String?
        var rules: [Rule]?

        /// `[[reconcile.rules]]`: an exception.
        struct Rule: Codable {
            var type: String?
            var source: String?
            var action: String

            enum CodingKeys: String, CodingKey, CaseIterable { case type, source, action }
        }

        enum CodingKeys: String, CodingKey, CaseIterable { case action, rules }
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case stateFolder = "state_dir"
        case runtimeFolder = "runtime_dir"
        case mountRoot = "mount_root"
        case socket, worker
        case logLevel = "log_level"
        case allowsPrivateNamespace = "allow_private_namespace"
        case threads
        case operationDeadlineSeconds = "operation_deadline_seconds"
        case reconcile, limits, probe, unmount, types
    }

    /// Reads and decodes the file.
    ///
    /// - Throws: `invalid_argument` with line and column, or the name of a setting that does not exist.
    static func read(_ path: String) throws(MountError) -> SettingsFile {
        let text = try content(of: path)
        try TOMLHeader.check(text, of: path)
        do {
            let table = try TOMLTable(string: text)
            try check(table, CodingKeys.self, path)
            if let limits = table["limits"]?.table {
                try check(limits, LimitsTable.CodingKeys.self, "\(path), [limits]")
            }
            if let probe = table["probe"]?.table {
                try check(probe, ProbeTable.CodingKeys.self, "\(path), [probe]")
            }
            if let unmount = table["unmount"]?.table {
                try check(unmount, UnmountTable.CodingKeys.self, "\(path), [unmount]")
            }
            if let reconcile = table["reconcile"]?.table {
                try check(reconcile, ReconcileTable.CodingKeys.self, "\(path), [reconcile]")
                for rule in reconcile["rules"]?.array.map(Array.init) ?? [] {
                    guard let rule = rule.table, rule["action"] != nil else {
                        throw MountError.invalidArgument("\(path), [[reconcile.rules]]: a rule has no 'action'")
                    }
                    try check(rule, ReconcileTable.Rule.CodingKeys.self, "\(path), [[reconcile.rules]]")
                }
            }
            if let types = table["types"]?.table {
                for name in types.keys.sorted() {
                    let place = "\(path), [types.\(InputText.quoted(name))]"
                    guard let type = types[name]?.table else {
                        throw MountError.invalidArgument("\(place): it is no table")
                    }
                    try check(type, TypeTable.CodingKeys.self, place)
                }
            }
            return try TOMLDecoder().decode(SettingsFile.self, from: table)
        } catch let error as MountError {
            throw error
        } catch let error as TOMLParseError {
            throw .invalidArgument(
                "\(path), line \(error.source.begin.line), column \(error.source.begin.column): \(error.description)")
        } catch {
            throw .invalidArgument("\(path): \(error)")
        }
    }

    private static let sizeLimit = 1 << 20

    /// It names programs that run as root: whoever can write it is root.
    private static func content(of path: String) throws(MountError) -> String {
        let folder = FilePath(FileManager.default.currentDirectoryPath)
        let bytes: [UInt8]
        do throws(SystemCallError) {
            bytes = try HostFile.read(
                folder.pushing(FilePath(path)), isSecret: false, followsLinks: true, limit: sizeLimit)
        } catch {
            throw .invalidArgument("cannot read the configuration file \(path): \(error)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalidArgument(
                "the configuration file \(path) is no text in UTF-8",
                hint: "see docs/configuration.md for what belongs into it")
        }
        return text
    }

    private static func check<Keys: SettingKey>(
        _ table: TOMLTable, _ keys: Keys.Type, _ place: String
    ) throws(MountError) {
        for name in table.keys.sorted() {
            guard let key = Keys(stringValue: name) else {
                throw .invalidArgument(
                    "\(place): there is no setting '\(InputText.quoted(name))'",
                    hint: "the settings are \(keys.allCases.map(\.stringValue).sorted().joined(separator: ", "))")
            }
            guard let found = table[name]?.type, found != key.type else { continue }
            throw .invalidArgument("\(place): '\(name)' must be \(words(key.type)), and is \(words(found))")
        }
    }

    private static func words(_ type: TOMLType) -> String {
        switch type {
        case .string: "a text, in quotes"
        case .int: "a whole number"
        case .double: "a number with a fraction"
        case .bool: "true or false"
        case .table: "a table, [name]"
        case .array: "an array, [[name]]"
        case .date, .time, .dateTime: "a date or time"
        }
    }
}

/// The name of a setting, and what it is set to.
private protocol SettingKey: CodingKey, CaseIterable {
    var type: TOMLType { get }
}

extension SettingsFile.CodingKeys: SettingKey {
    var type: TOMLType {
        switch self {
        case .stateFolder, .runtimeFolder, .mountRoot, .socket, .worker, .logLevel: .string
        case .threads, .operationDeadlineSeconds: .int
        case .allowsPrivateNamespace: .bool
        case .reconcile, .limits, .probe, .unmount, .types: .table
        }
    }
}

extension SettingsFile.LimitsTable.CodingKeys: SettingKey {
    var type: TOMLType { .int }
}

extension SettingsFile.ProbeTable.CodingKeys: SettingKey {
    var type: TOMLType { .int }
}

extension SettingsFile.UnmountTable.CodingKeys: SettingKey {
    var type: TOMLType { .string }
}

extension SettingsFile.ReconcileTable.CodingKeys: SettingKey {
    var type: TOMLType { self == .rules ? .array : .string }
}

extension SettingsFile.TypeTable.CodingKeys: SettingKey {
    var type: TOMLType { self == .options ? .array : .string }
}

extension SettingsFile.ReconcileTable.Rule.CodingKeys: SettingKey {
    var type: TOMLType { .string }
}
