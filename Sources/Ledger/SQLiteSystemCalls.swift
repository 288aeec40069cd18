// SPDX-License-Identifier: Apache-2.0

import GRDBSQLite
import Glibc

/// Stands between SQLite and the kernel, where SQLite makes something else of an error than what it is.
///
/// A read that fails with EIO becomes SQLITE_CORRUPT, as if the file said something wrong (SQLITE_IOERR_CORRUPTFS in
/// `sqlite/src/os_unix.c`, and what `vdbe.c` makes of it): the ledger would be moved aside for a cable that was loose.
/// It is given another number, of which it makes SQLITE_IOERR_READ.
///
/// A write beyond a quota (EDQUOT) becomes SQLITE_IOERR_WRITE, as if the device had failed: the failed change would
/// have to be overwritten, for which there is no room either, and the process would end. It is given the number of a
/// full disk, which is what it is: on a local filesystem, where a ledger is, it refuses the bytes of this write before
/// any of them is taken, as ENOSPC does. Errors of a sync are left as they are: those come after the bytes.
///
/// It holds for the whole process, because SQLite's table of system calls does; another user of SQLite is told the same
/// of its files.
enum SQLiteSystemCalls {
    /// Whether it is in SQLite's way, from the first question on. Everything that opens a ledger asks.
    static let areReplaced: Bool = {
        // By its name: what a program has made the default calls this one in the end.
        guard let system = sqlite3_vfs_find("unix") else { return false }
        // All are known before the first is replaced: another thread of the program may be reading a file of its own.
        originals = Originals(
            read: original("read", in: system), pread: original("pread", in: system),
            pread64: original("pread64", in: system), write: original("write", in: system),
            pwrite: original("pwrite", in: system), pwrite64: original("pwrite64", in: system))
        guard originals.read != nil, originals.write != nil else { return false }
        return [
            replace("read", by: read, in: system), replace("pread", by: pread, in: system),
            replace("pread64", by: pread64, in: system), replace("write", by: write, in: system),
            replace("pwrite", by: pwrite, in: system), replace("pwrite64", by: pwrite64, in: system),
        ].allSatisfy { $0 }
    }()

    private typealias Read = @convention(c) (CInt, UnsafeMutableRawPointer?, Int) -> Int
    private typealias ReadAt = @convention(c) (CInt, UnsafeMutableRawPointer?, Int, Int) -> Int
    private typealias Write = @convention(c) (CInt, UnsafeRawPointer?, Int) -> Int
    private typealias WriteAt = @convention(c) (CInt, UnsafeRawPointer?, Int, Int) -> Int

    /// What was there before; nil for what this SQLite does not use.
    private struct Originals {
        var read: Read?
        var pread: ReadAt?
        var pread64: ReadAt?
        var write: Write?
        var pwrite: WriteAt?
        var pwrite64: WriteAt?
    }

    // SAFETY: written once, under the guard of `areReplaced`, before any file is opened; only read afterwards.
    nonisolated(unsafe) private static var originals = Originals()

    private static let read: Read = { told(originals.read?($0, $1, $2)) }
    private static let pread: ReadAt = { told(originals.pread?($0, $1, $2, $3)) }
    private static let pread64: ReadAt = { told(originals.pread64?($0, $1, $2, $3)) }
    private static let write: Write = { told(originals.write?($0, $1, $2)) }
    private static let pwrite: WriteAt = { told(originals.pwrite?($0, $1, $2, $3)) }
    private static let pwrite64: WriteAt = { told(originals.pwrite64?($0, $1, $2, $3)) }

    /// A call's result, with an error that SQLite takes for what it is.
    private static func told(_ result: Int?) -> Int {
        guard let result else {
            errno = ENOSYS
            return -1
        }
        guard result < 0 else { return result }
        switch errno {
        case EIO, ENXIO, ERANGE: errno = EREMOTEIO
        case EDQUOT: errno = ENOSPC
        default: break
        }
        return result
    }

    /// SQLite's function; nil where it has none by this name.
    private static func original<Function>(
        _ name: String, in system: UnsafeMutablePointer<sqlite3_vfs>
    ) -> Function? {
        // SAFETY: a pointer to a C function, which SQLite casts to the type above before each call.
        system.pointee.xGetSystemCall(system, name).map { unsafeBitCast($0, to: Function.self) }
    }

    /// Puts a function in the place of SQLite's, and says whether it is there; what SQLite does not use needs none.
    private static func replace<Function>(
        _ name: String, by function: Function, in system: UnsafeMutablePointer<sqlite3_vfs>
    ) -> Bool {
        if system.pointee.xGetSystemCall(system, name) == nil { return true }
        // SAFETY: as above.
        let pointer = unsafeBitCast(function, to: sqlite3_syscall_ptr.self)
        return system.pointee.xSetSystemCall(system, name, pointer) == SQLITE_OK
    }
}
