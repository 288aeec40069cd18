// SPDX-License-Identifier: Apache-2.0

import GRDBSQLite
import Glibc
import Testing

/// The kernel's answers to what SQLite reads: a chosen one, or all from it on, is EIO. For a process of a test's own: the
/// answers are given to all of SQLite, and it must be there before a ledger is first opened.
enum FaultingReads {
    struct Plan: Sendable {
        /// How many reads succeed before those that fail.
        var readsBefore = 0
        var reads = 0
    }

    private static let plan = Locked(Plan())

    static func plan(_ new: Plan) { plan.with { $0 = new } }
    static var rest: Plan { plan.with { $0 } }

    /// Puts it in SQLite's way.
    static func install() throws {
        let system = try #require(sqlite3_vfs_find("unix"))
        typealias Read = @convention(c) (CInt, UnsafeMutableRawPointer?, Int) -> Int
        typealias ReadAt = @convention(c) (CInt, UnsafeMutableRawPointer?, Int, Int) -> Int
        let read: Read = { FaultingReads.isFault() ? -1 : Glibc.read($0, $1, $2) }
        let readAt: ReadAt = { FaultingReads.isFault() ? -1 : Glibc.pread($0, $1, $2, $3) }
        // SAFETY: SQLite casts the pointers back to these types before it calls them.
        let set = system.pointee.xSetSystemCall
        try #require(set?(system, "read", unsafeBitCast(read, to: sqlite3_syscall_ptr.self)) == SQLITE_OK)
        for name in ["pread", "pread64"] {
            try #require(set?(system, name, unsafeBitCast(readAt, to: sqlite3_syscall_ptr.self)) == SQLITE_OK)
        }
    }

    private static func isFault() -> Bool {
        let isFault = plan.with { plan in
            if plan.readsBefore > 0 {
                plan.readsBefore -= 1
                return false
            }
            guard plan.reads > 0 else { return false }
            plan.reads -= 1
            return true
        }
        if isFault { errno = EIO }
        return isFault
    }
}
