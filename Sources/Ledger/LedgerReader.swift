// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
import MountModel
import SystemPackage

/// Reads the tables back into values, and names the row where that fails.
struct LedgerReader: Sendable {
    /// The ledger's file, for messages.
    let file: FilePath

    /// Everything that is stored.
    ///
    /// - Parameter version: the tables' version, which says whether the rows have checksums.
    /// - Throws: `internal`, naming the row, where a stored value is not one or a row is not as it was written;
    ///   SQLite's own errors.
    func contents(
        of database: Database, version: Int = LedgerSchema.version
    ) throws -> LedgerContents {
        let hasChecksums = version >= LedgerSchema.firstWithChecksums
        var digest: Int64 = 0
        var contents = try mounts(of: database, hasChecksums, &digest)
        try addAttachments(of: database, hasChecksums, &digest, to: &contents)
        if hasChecksums { try check(digest, in: database) }
        return contents
    }

    private func mounts(
        of database: Database, _ hasChecksums: Bool, _ digest: inout Int64
    ) throws -> LedgerContents {
        var contents = LedgerContents()
        let mounts = try Row.fetchCursor(
            database,
            sql: """
                SELECT mountpoint, type, source, options, credentials_digest, boot_id, mount_id
                    \(hasChecksums ? ", checksum" : "")
                FROM mounts ORDER BY mountpoint
                """)
        while let row = try mounts.next() {
            let stored = StoredRow(row: row, table: "mounts", file: file)
            let (mountpoint, record) = try record(stored)
            if hasChecksums {
                let sum = LedgerChecksum.of(record, at: mountpoint.path.string, options: try stored.text(3))
                try stored.check(7, is: sum)
                digest ^= sum
            }
            contents.mounts[mountpoint] = LedgerContents.Entry(record: record)
        }
        return contents
    }

    private func addAttachments(
        of database: Database, _ hasChecksums: Bool, _ digest: inout Int64, to contents: inout LedgerContents
    ) throws {
        let attachments = try Row.fetchCursor(
            database,
            sql: """
                SELECT mountpoint, consumer, volume, owner_uid, persistent\(hasChecksums ? ", checksum" : "")
                FROM attachments ORDER BY mountpoint, consumer, volume
                """)
        // Rows come sorted: those of one mountpoint are gathered, and its name is checked once.
        var name = ""
        var mountpoint: Mountpoint?
        var gathered: [Attachment] = []
        while let row = try attachments.next() {
            let stored = StoredRow(row: row, table: "attachments", file: file)
            let next = try stored.text(0)
            if mountpoint == nil || next != name {
                if let mountpoint { contents.mounts[mountpoint]?.attachments = gathered }
                gathered = []
                name = next
                let checked = try stored.value { () throws(MountError) in try Mountpoint(next) }
                guard contents.mounts[checked] != nil else { throw stored.unreadable("its mountpoint has no record") }
                mountpoint = checked
            }
            let attachment = try attachment(stored)
            if hasChecksums {
                let sum = LedgerChecksum.of(attachment, at: name)
                try stored.check(5, is: sum)
                digest ^= sum
            }
            gathered.append(attachment)
        }
        if let mountpoint { contents.mounts[mountpoint]?.attachments = gathered }
    }

    /// A row that is gone, or an older one that has come back, is right in itself; together they are not.
    private func check(_ digest: Int64, in database: Database) throws {
        guard try Int64.fetchOne(database, sql: "SELECT digest FROM touched") != digest else { return }
        throw MountError(
            .internal,
            "cannot read the ledger \(file): its rows do not add up to its digest: one is missing or is of earlier",
            context: MountError.Context(operation: "load"), hint: StoredRow.hint)
    }

    private func record(_ row: StoredRow) throws -> (Mountpoint, MountRecord) {
        let name = try row.text(0)
        let mountpoint = try row.value { () throws(MountError) in try Mountpoint(name) }
        guard let options = StoredOptions.decode(try row.text(3)) else {
            throw row.unreadable("its options are not an array of names and values")
        }
        let source = MountSource(
            type: FilesystemType(rawValue: try row.text(1)), source: try row.text(2), options: options,
            credentialsDigest: try row.optionalText(4))
        let id = try row.optionalInteger(6).map { MountID(rawValue: UInt64(bitPattern: $0)) }
        return (mountpoint, MountRecord(source: source, boot: BootID(rawValue: try row.text(5)), mountID: id))
    }

    private func attachment(_ row: StoredRow) throws -> Attachment {
        let consumer = try row.text(1)
        let volume = try row.text(2)
        let key = try row.value { () throws(MountError) in
            AttachmentKey(volume: try Volume(volume), consumer: try Consumer(consumer))
        }
        guard let owner = UInt32(exactly: try row.integer(3)) else { throw row.unreadable("its owner is no uid") }
        return Attachment(key: key, owner: owner, persistent: try row.integer(4) != 0)
    }
}

/// One row with the words to say which it is.
///
/// Values are taken as they are stored, because GRDB's typed access ends the process on a surprise.
private struct StoredRow {
    let row: Row
    let table: String
    let file: FilePath

    func text(_ index: Int) throws -> String {
        guard let text = try optionalText(index) else { throw unreadable("column \(index + 1) is NULL") }
        return text
    }

    func optionalText(_ index: Int) throws -> String? {
        // From the bytes: a conversion that repairs broken UTF-8 would turn one key into another.
        try row.withUnsafeData(atIndex: index) { data in
            guard let data else { return nil }
            guard let text = String(validating: data, as: UTF8.self) else {
                throw unreadable("column \(index + 1) is not UTF-8")
            }
            return text
        }
    }

    func integer(_ index: Int) throws -> Int64 {
        guard let integer = try optionalInteger(index) else { throw unreadable("column \(index + 1) is NULL") }
        return integer
    }

    func optionalInteger(_ index: Int) throws -> Int64? {
        switch (row[index] as DatabaseValue).storage {
        case .null: return nil
        case .int64(let integer): return integer
        default: throw unreadable("column \(index + 1) is not an integer")
        }
    }

    func value<Value>(_ make: () throws(MountError) -> Value) throws(MountError) -> Value {
        do {
            return try make()
        } catch {
            throw unreadable(error.message)
        }
    }

    func unreadable(_ why: String) -> MountError {
        let key = (0..<(table == "mounts" ? 1 : 3)).map { "'\(InputText.quoted(shown($0)))'" }.joined(separator: ", ")
        return MountError(
            .internal, "cannot read the ledger \(file): row (\(key)) of \(table): \(why)",
            context: MountError.Context(operation: "load"),
            hint: Self.hint)
    }

    static let hint = "look at it with sqlite3, or move the ledger aside"

    /// Whether the row is as it was written.
    func check(_ index: Int, is sum: Int64) throws {
        guard try integer(index) != sum else { return }
        throw unreadable("its checksum is another: something in it is not what was written")
    }

    private func shown(_ index: Int) -> String {
        switch (row[index] as DatabaseValue).storage {
        case .null: "NULL"
        case .int64(let integer): String(integer)
        case .double(let double): String(double)
        case .string(let string): string
        case .blob(let data): String(decoding: data, as: UTF8.self)
        }
    }
}
