// SPDX-License-Identifier: Apache-2.0

import GRDBSQLite
import Glibc
import Testing

/// The kernel's answers to what SQLite reads and writes: a chosen one, or all from it on, are EIO, or EDQUOT. For a
/// process of a test's own: the answers are given to all of SQLite, and it must be there before a ledger is first
/// opened.
enum FaultingSystemCalls {
    struct Plan: Sendable {
        /// How many reads succeed before those that fail.
        var readsBefore = 0
        var reads = 0
        /// How many writes succeed before those that are beyond the quota.
        var writesBefore = 0
        var writes = 0
    }

    private static let plan = Locked(Plan())

    static func plan(_ new: Plan) { plan.with { $0 = new } }
    static var rest: Plan { plan.with { $0 } }

    /// Puts it in SQLite's way.
    static func install() throws {
        let system = try #require(sqlite3_vfs_find("unix"))
        typealias Read = @convention(c) (CInt, UnsafeMutableRawPointer?, Int) -> Int
        typealias ReadAt = @convention(c) (CInt, UnsafeMutableRawPointer?, Int, Int) -> Int
        let read: Read = { FaultingSystemCalls.isFault(\.readsBefore, \.reads, EIO) ? -1 : Glibc.read($0, $1, $2) }
        let readAt: ReadAt = {
            FaultingSystemCalls.isFault(\.readsBefore, \.reads, EIO) ? -1 : Glibc.pread($0, $1, $2, $3)
        }
        typealias Write = @convention(c) (CInt, UnsafeRawPointer?, Int) -> Int
        typealias WriteAt = @convention(c) (CInt, UnsafeRawPointer?, Int, Int) -> Int
        let write: Write = {
            FaultingSystemCalls.isFault(\.writesBefore, \.writes, EDQUOT) ? -1 : Glibc.write($0, $1, $2)
        }
        let writeAt: WriteAt = {
            FaultingSystemCalls.isFault(\.writesBefore, \.writes, EDQUOT) ? -1 : Glibc.pwrite($0, $1, $2, $3)
        }
        // SAFETY: SQLite casts the pointers back to these types before it calls them.
        let set = system.pointee.xSetSystemCall
        try #require(set?(system, "read", unsafeBitCast(read, to: sqlite3_syscall_ptr.self)) == SQLITE_OK)
        try #require(set?(system, "write", unsafeBitCast(write, to: sqlite3_syscall_ptr.self)) == SQLITE_OK)
        for name in ["pwrite", "pwrite64"] {
            try #require(set?(system, name, unsafeBitCast(writeAt, to: sqlite3_syscall_ptr.self)) == SQLITE_OK)
        }
        for name in ["pread", "pread64"] {
            try #require(set?(system, name, unsafeBitCast(readAt, to: sqlite3_syscall_ptr.self)) == SQLITE_OK)
        }
    }

    private static func isFault(
        _ before: WritableKeyPath<Plan, Int>, _ faults: WritableKeyPath<Plan, Int>, _ number: CInt
    ) -> Bool {
        let isFault = plan.with { plan in
            if plan[keyPath: before] > 0 {
                plan[keyPath: before] -= 1
                return false
            }
            guard plan[keyPath: faults] > 0 else { return false }
            plan[keyPath: faults] -= 1
            return true
        }
        if isFault { errno = number }
        return isFault
    }
}
