// SPDX-License-Identifier: Apache-2.0

import Glibc
import MountModel
import SystemPackage

/// The ledger's folder and files: made, checked, moved aside. All of it blocks.
struct LedgerFiles {
    /// The folder, which only the daemon may look into.
    let folder: FilePath

    /// The database.
    var file: FilePath { folder.appending(SQLiteLedger.fileName) }

    /// Which of a ledger's files exist under a name, the database (an empty suffix) first.
    func suffixes(of name: String) throws(LedgerOpenError) -> [String] {
        var found: [String] = []
        for suffix in LedgerSurvey.suffixes where try status(of: folder.appending(name + suffix)) != nil {
            found.append(suffix)
        }
        return found
    }

    /// Makes the folder (0700) and an empty file (0600) where they are missing, and checks those that exist.
    func prepare() throws(LedgerOpenError) {
        try prepareFolder()
        if try status(of: file) == nil { try createFile() } else { try checkFile() }
    }

    /// Makes the folder where it is missing, and checks one that exists.
    func prepareFolder() throws(LedgerOpenError) {
        if try status(of: folder) == nil {
            // SAFETY: the pointer lives as long as the closure, and mkdir keeps none.
            let result = folder.withPlatformString { mkdir($0, 0o700) }
            let number = errno
            guard result == 0 || number == EEXIST else {
                throw unavailable("create the folder \(folder)", "mkdir", number)
            }
            if result == 0 { try sync(folder.removingLastComponent()) }
        }
        guard let found = try status(of: folder), found.st_mode & S_IFMT == S_IFDIR else {
            throw unavailable("use \(folder)", "lstat", ENOTDIR)
        }
        // Whoever may write here could replace the ledger; whoever may read here sees who uses what.
        guard found.st_uid == geteuid(), found.st_mode & 0o077 == 0 else {
            throw LedgerOpenError(
                .unavailable,
                MountError(
                    .unavailable,
                    "cannot use the state folder \(folder): others have access to it (owner \(found.st_uid), mode "
                        + "0\(String(found.st_mode & 0o7777, radix: 8)))",
                    context: MountError.Context(operation: "open", target: folder.string),
                    hint: "chown it to uid \(geteuid()) and chmod it to 0700, after a look at what is in it"))
        }
        // SAFETY: the pointer lives as long as the closure, and access keeps none.
        let result = folder.withPlatformString { access($0, W_OK | X_OK) }
        guard result == 0 else { throw unavailable("write in the folder \(folder)", "access", errno) }
    }

    private func createFile() throws(LedgerOpenError) {
        // A log without its ledger is what an interrupted move leaves behind. SQLite would delete it.
        if let suffix = try suffixes(of: SQLiteLedger.fileName).first {
            throw LedgerOpenError(
                .unreadable,
                MountError(
                    .internal, "cannot open the ledger \(file): it is missing, but \(file)\(suffix) is there",
                    context: MountError.Context(operation: "open", target: file.string),
                    hint: "move the rest aside as well"))
        }
        do {
            let descriptor = try FileDescriptor.open(
                file, .readWrite, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            try descriptor.close()
        } catch {
            throw unavailable("create the ledger \(file)", "open", (error as? Errno)?.rawValue ?? EIO)
        }
        try sync(folder)
    }

    /// By path, never by a descriptor of our own: closing one would drop the locks that SQLite holds on the file for
    /// this process (`man 2 fcntl`, advisory record locking). Nobody else can swap the file in a folder of mode 0700.
    private func checkFile() throws(LedgerOpenError) {
        guard let found = try status(of: file) else { throw unavailable("open the ledger \(file)", "lstat", ENOENT) }
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw LedgerOpenError(
                .unreadable,
                MountError(
                    .internal, "cannot open the ledger \(file): it is not a regular file",
                    context: MountError.Context(operation: "open", target: file.string)))
        }
        // SQLite would take it for a new database, and delete the log.
        if found.st_size == 0, let log = try status(of: folder.appending(SQLiteLedger.fileName + "-wal")),
            log.st_size > 0
        {
            throw LedgerOpenError(
                .unreadable,
                MountError(
                    .internal, "cannot open the ledger \(file): it is empty, but its log is not",
                    context: MountError.Context(operation: "open", target: file.string),
                    hint: "move both aside"))
        }
        // SQLite would open it read-only without a word.
        // SAFETY: the pointer lives as long as the closure, and access keeps none.
        let isWritable = file.withPlatformString { access($0, R_OK | W_OK) }
        guard isWritable == 0 else { throw unavailable("write the ledger \(file)", "access", errno) }
        guard found.st_mode & 0o7777 != 0o600 else { return }
        // SAFETY: the pointer lives as long as the closure, and chmod keeps none.
        let result = file.withPlatformString { chmod($0, 0o600) }
        guard result == 0 else { throw unavailable("restrict the ledger \(file) to its owner", "chmod", errno) }
    }

    /// What is at a path, symbolic links not followed; nil where nothing is.
    func status(of path: FilePath) throws(LedgerOpenError) -> stat? {
        var found = stat()
        // SAFETY: both pointers live as long as the call, and lstat keeps none.
        let result = path.withPlatformString { lstat($0, &found) }
        let number = errno
        if result == 0 { return found }
        if number == ENOENT { return nil }
        throw unavailable("look at \(path)", "lstat", number)
    }

    /// Makes the names in a folder durable (`man 2 fsync`).
    func sync(_ folder: FilePath) throws(LedgerOpenError) {
        let path = folder.isEmpty ? FilePath(".") : folder
        do {
            let descriptor = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
            let result = fsync(descriptor.rawValue)
            let number = errno
            try descriptor.close()
            guard result == 0 else { throw Errno(rawValue: number) }
        } catch {
            throw unavailable("sync the folder \(path)", "fsync", (error as? Errno)?.rawValue ?? EIO)
        }
    }

    /// Gives a file in the folder another name; what has that name is replaced. Durable after a `sync` of the folder.
    func rename(_ name: String, to newName: String) throws(LedgerOpenError) {
        let (old, new) = (folder.appending(name), folder.appending(newName))
        // SAFETY: both pointers live as long as the closures, and rename keeps none.
        let result = old.withPlatformString { old in new.withPlatformString { new in Glibc.rename(old, new) } }
        guard result == 0 else { throw unavailable("move \(old) to \(new)", "rename", errno) }
    }

    func unavailable(_ what: String, _ systemCall: String, _ number: Int32) -> LedgerOpenError {
        let code: MountError.Code =
            number == ENOSPC || number == EDQUOT || number == EMFILE || number == ENFILE
            ? .resourceExhausted : .unavailable
        let hint =
            switch number {
            case ENOSPC, EDQUOT: "free space on the filesystem that holds \(folder)"
            case EROFS: "the filesystem that holds \(folder) is mounted read-only"
            case ENOENT: "does the folder above \(folder) exist?"
            default: "is \(folder) a folder of uid \(geteuid())'s, with mode 0700?"
            }
        return LedgerOpenError(
            .unavailable,
            MountError(
                code, "cannot \(what): \(Errno(rawValue: number))",
                context: MountError.Context(
                    operation: "open", target: file.string, systemCall: systemCall, errno: number), hint: hint))
    }
}
