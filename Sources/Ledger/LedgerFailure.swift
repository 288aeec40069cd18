// SPDX-License-Identifier: Apache-2.0

import GRDB
import MountModel
import SystemPackage

/// Turns SQLite's errors into ours: what could not be done, SQLite's own words, and what to do about it.
struct LedgerFailure {
    /// The ledger's file.
    let file: FilePath
    /// What was being done: `open`, `commit`, `load`…
    let operation: String

    /// The error for a failure inside SQLite, or for one of our own, which passes as it is.
    func error(_ failure: any Error, target: Mountpoint? = nil) -> MountError {
        if let own = failure as? MountError { return own }
        let context = MountError.Context(operation: operation, target: target?.description)
        guard let failure = failure as? DatabaseError else {
            return MountError(.internal, "cannot \(verb) the ledger \(file): \(failure)", context: context)
        }
        let (code, hint) = kind(of: failure)
        return MountError(
            code, "cannot \(verb) the ledger \(file): \(Self.words(of: failure))", context: context, hint: hint)
    }

    /// SQLite's message with the name and number of its extended code.
    static func words(of failure: DatabaseError) -> String {
        let code = failure.extendedResultCode
        return "\(failure.message ?? code.description) (SQLite code \(code.rawValue))"
    }

    private var verb: String {
        switch operation {
        case "commit": "write"
        case "load": "read"
        default: operation
        }
    }

    private func kind(of failure: DatabaseError) -> (MountError.Code, hint: String?) {
        let folder = file.removingLastComponent()
        return switch failure.resultCode {
        case .SQLITE_FULL:
            (.resourceExhausted, "free space on the filesystem that holds \(folder), or raise the quota")
        case .SQLITE_NOMEM:
            (.resourceExhausted, "free memory")
        case .SQLITE_CONSTRAINT, .SQLITE_MISUSE, .SQLITE_MISMATCH, .SQLITE_RANGE:
            (.internal, nil)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            (
                .unavailable,
                "nothing was changed: restart holdfastd, which checks the ledger, moves a broken one aside, and goes "
                    + "on read-only"
            )
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
            (.unavailable, "is \(folder) writable for the daemon, and its filesystem not mounted read-only?")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            (.unavailable, "is another holdfastd running?")
        case .SQLITE_IOERR:
            (.unavailable, "does the kernel log report errors of the device that holds \(folder)?")
        default:
            (.unavailable, nil)
        }
    }
}
