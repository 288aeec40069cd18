// SPDX-License-Identifier: Apache-2.0

import GRDBSQLite
import Glibc
import Testing

/// SQLite's own file access, in which the writes or syncs of chosen write-ahead logs fail.
///
/// It becomes SQLite's default for the process; files for which nothing is planned are untouched.
enum FaultingFileSystem {
    /// What is to fail, and how many times more.
    struct Plan: Sendable {
        var syncs = 0
        var writes = 0
    }

    private struct State: Sendable {
        /// By the log's path.
        var plans: [String: Plan] = [:]
        /// The log's path, by the address of SQLite's file object.
        var paths: [UInt: String] = [:]
    }

    private static let state = Locked(State())

    /// Plans faults for the log of the ledger in a file, once that is open.
    static func plan(_ plan: Plan, forLedger file: String) { state.with { $0.plans[file + "-wal"] = plan } }

    /// Puts it in SQLite's way; before the ledger is opened.
    static func install() throws { try #require(installed == SQLITE_OK) }

    // SAFETY: both are written once, under the guard of `installed` and `patched`, and only read afterwards.
    nonisolated(unsafe) private static var own = sqlite3_vfs()
    nonisolated(unsafe) private static let real = sqlite3_vfs_find(nil)

    private static let installed: CInt = {
        guard let real else { return SQLITE_ERROR }
        own = real.pointee
        own.zName = UnsafePointer(strdup("faulting"))
        own.xOpen = { _, name, file, flags, outFlags in
            guard let real = FaultingFileSystem.real, let file else { return SQLITE_ERROR }
            let result = real.pointee.xOpen(real, name, file, flags, outFlags)
            guard result == SQLITE_OK, flags & SQLITE_OPEN_WAL != 0, let name else { return result }
            FaultingFileSystem.adopt(file, String(cString: name))
            return result
        }
        return sqlite3_vfs_register(&own, 1)
    }()

    /// The methods of a log, as SQLite has them and as they are here. Logs all have the same.
    // SAFETY: both are allocated once, on the first log, and never freed or changed.
    nonisolated(unsafe) private static var methods: UnsafePointer<sqlite3_io_methods>?
    nonisolated(unsafe) private static var patched: UnsafeMutablePointer<sqlite3_io_methods>?

    private static func adopt(_ file: UnsafeMutablePointer<sqlite3_file>, _ path: String) {
        state.with { state in
            state.paths[UInt(bitPattern: file)] = path
            if patched == nil, let original = file.pointee.pMethods {
                methods = original
                let copy = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
                copy.initialize(to: original.pointee)
                copy.pointee.xSync = { file, flags in
                    if FaultingFileSystem.takeFault(\.syncs, of: file) { return 1034 /* SQLITE_IOERR_FSYNC */ }
                    return FaultingFileSystem.methods?.pointee.xSync(file, flags) ?? SQLITE_ERROR
                }
                copy.pointee.xWrite = { file, bytes, count, offset in
                    if FaultingFileSystem.takeFault(\.writes, of: file) { return 778 /* SQLITE_IOERR_WRITE */ }
                    return FaultingFileSystem.methods?.pointee.xWrite(file, bytes, count, offset) ?? SQLITE_ERROR
                }
                patched = copy
            }
            if let patched { file.pointee.pMethods = UnsafePointer(patched) }
        }
    }

    private static func takeFault(
        _ kind: WritableKeyPath<Plan, Int>, of file: UnsafeMutablePointer<sqlite3_file>?
    ) -> Bool {
        state.with { state in
            guard let path = state.paths[UInt(bitPattern: file)], var plan = state.plans[path], plan[keyPath: kind] > 0
            else { return false }
            plan[keyPath: kind] -= 1
            state.plans[path] = plan
            return true
        }
    }
}
