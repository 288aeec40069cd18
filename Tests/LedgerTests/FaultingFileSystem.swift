// SPDX-License-Identifier: Apache-2.0

import GRDBSQLite
import Glibc
import Testing

/// SQLite's own file access, in which the reads, writes or syncs of chosen files fail, and what chosen ledgers write
/// and sync is recorded.
///
/// It becomes SQLite's default for the process; files for which nothing is planned are untouched.
enum FaultingFileSystem {
    /// What is to fail, and how many times more.
    struct Plan: Sendable {
        var syncs = 0
        var writes = 0
        /// What a write then answers: SQLITE_IOERR_WRITE, or SQLITE_FULL.
        var writeAnswer: CInt = 778
        var reads = 0
        /// How many reads succeed before those that fail.
        var readsBefore = 0
    }

    private struct State: Sendable {
        /// By the file's path.
        var plans: [String: Plan] = [:]
        var recordings: [DiskRecording] = []
        /// By the address of SQLite's file object: its path, and the address of the methods that it had.
        var files: [UInt: (path: String, methods: UInt)] = [:]
        /// By the address of SQLite's methods: that of ours in their place.
        var patched: [UInt: UInt] = [:]
    }

    private static let state = Locked(State())

    /// Plans faults for the log of the ledger in a file, once that is open.
    static func plan(_ plan: Plan, forLedger file: String) { state.with { $0.plans[file + "-wal"] = plan } }

    /// Plans faults for a file by its own name.
    static func plan(_ plan: Plan, forFile file: String) { state.with { $0.plans[file] = plan } }

    /// What is left of a plan.
    static func rest(ofPlanForFile file: String) -> Plan? { state.with { $0.plans[file] } }

    /// Lets a file alone from now on.
    static func endPlan(forFile file: String) { state.with { $0.plans[file] = nil } }

    /// Records what is done to a ledger's files from its opening on.
    static func record(_ recording: DiskRecording) { state.with { $0.recordings.append(recording) } }

    static func endRecording(_ recording: DiskRecording) {
        state.with { $0.recordings.removeAll { $0 === recording } }
    }

    /// Puts it in SQLite's way; before the ledger is opened.
    static func install() throws { try #require(installed == SQLITE_OK) }

    // SAFETY: both are written once, under the guard of `installed`, and only read afterwards. SQLite keeps the pointer
    // to ours, so that it is one to memory, and not to a variable.
    nonisolated(unsafe) private static let own = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    nonisolated(unsafe) private static let real = sqlite3_vfs_find(nil)

    private static let installed: CInt = {
        guard let real else { return SQLITE_ERROR }
        own.initialize(to: real.pointee)
        own.pointee.zName = UnsafePointer(strdup("faulting"))
        own.pointee.xOpen = { _, name, file, flags, outFlags in
            guard let real = FaultingFileSystem.real, let file else { return SQLITE_ERROR }
            let result = real.pointee.xOpen(real, name, file, flags, outFlags)
            let kinds = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL
            guard result == SQLITE_OK, flags & kinds != 0, let name else { return result }
            FaultingFileSystem.adopt(file, String(cString: name))
            return result
        }
        own.pointee.xDelete = { _, name, syncsFolder in
            guard let real = FaultingFileSystem.real, let name else { return SQLITE_ERROR }
            let result = real.pointee.xDelete(real, name, syncsFolder)
            if result == SQLITE_OK {
                let path = String(cString: name)
                FaultingFileSystem.recording(of: path)?.note(.delete(path, isDurable: syncsFolder != 0))
            }
            return result
        }
        return sqlite3_vfs_register(own, 1)
    }()

    /// Puts our methods in the place of the file's; SQLite has a few sets of them, by the kind of lock.
    private static func adopt(_ file: UnsafeMutablePointer<sqlite3_file>, _ path: String) {
        guard let original = file.pointee.pMethods else { return }
        let address = UInt(bitPattern: original)
        let patched = state.with { state in
            state.files[UInt(bitPattern: file)] = (path, address)
            if let known = state.patched[address] { return known }
            let copy = UInt(bitPattern: patchedCopy(of: original))
            state.patched[address] = copy
            return copy
        }
        file.pointee.pMethods = UnsafePointer(bitPattern: patched)
    }

    private static func patchedCopy(
        of original: UnsafePointer<sqlite3_io_methods>
    ) -> UnsafeMutablePointer<sqlite3_io_methods> {
        let copy = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        copy.initialize(to: original.pointee)
        copy.pointee.xSync = { file, flags in
            FaultingFileSystem.run(on: file, fault: { $0.syncFault() }) { methods, path in
                (methods.xSync(file, flags), .sync(path))
            }
        }
        copy.pointee.xWrite = { file, bytes, count, offset in
            FaultingFileSystem.run(on: file, fault: { $0.writeFault() }) { methods, path in
                let buffer = UnsafeRawBufferPointer(start: bytes, count: Int(count))
                return (methods.xWrite(file, bytes, count, offset), .write(path, Int(offset), Array(buffer)))
            }
        }
        copy.pointee.xTruncate = { file, size in
            FaultingFileSystem.run(on: file, fault: { _ in nil }) { methods, path in
                (methods.xTruncate(file, size), .truncate(path, Int(size)))
            }
        }
        copy.pointee.xRead = { file, bytes, count, offset in
            FaultingFileSystem.run(on: file, fault: { $0.readFault() }) { methods, _ in
                (methods.xRead(file, bytes, count, offset), nil)
            }
        }
        return copy
    }

    /// Fails as planned; else makes the call and records what it did.
    private static func run(
        on file: UnsafeMutablePointer<sqlite3_file>?, fault: (inout Plan) -> CInt?,
        _ call: (sqlite3_io_methods, String) -> (CInt, DiskRecording.Operation?)
    ) -> CInt {
        let (known, fault) = state.with { state -> ((path: String, methods: UInt)?, CInt?) in
            guard let known = state.files[UInt(bitPattern: file)] else { return (nil, nil) }
            guard var plan = state.plans[known.path] else { return (known, nil) }
            let answer = fault(&plan)
            state.plans[known.path] = plan
            return (known, answer)
        }
        if let fault { return fault }
        guard let known, let methods = UnsafePointer<sqlite3_io_methods>(bitPattern: known.methods) else {
            return SQLITE_ERROR
        }
        let (result, operation) = call(methods.pointee, known.path)
        if result == SQLITE_OK, let operation { recording(of: known.path)?.note(operation) }
        return result
    }

    private static func recording(of path: String) -> DiskRecording? {
        state.with { state in state.recordings.last { path.hasPrefix($0.ledger) } }
    }
}

extension FaultingFileSystem.Plan {
    fileprivate mutating func syncFault() -> CInt? {
        guard syncs > 0 else { return nil }
        syncs -= 1
        return 1034  // SQLITE_IOERR_FSYNC
    }

    fileprivate mutating func writeFault() -> CInt? {
        guard writes > 0 else { return nil }
        writes -= 1
        return writeAnswer
    }

    fileprivate mutating func readFault() -> CInt? {
        if readsBefore > 0 {
            readsBefore -= 1
            return nil
        }
        guard reads > 0 else { return nil }
        reads -= 1
        return 266  // SQLITE_IOERR_READ
    }
}
