// SPDX-License-Identifier: Apache-2.0

import GRDB
import MountModel
import SystemPackage

/// The tables, and the steps from each version of them to the next.
enum LedgerSchema {
    /// "HFLG" in `application_id`: this file is a ledger of Holdfast's.
    static let applicationID: Int64 = 0x4846_4C47

    /// The first version whose rows have checksums.
    static let firstWithChecksums = 2

    /// Step n leads from version n to n + 1, which `user_version` then holds; it is given what the rows say. Released
    /// steps are never edited.
    private static let migrations: [@Sendable (Database, LedgerContents) throws -> Void] = [
        { database, _ in try database.execute(sql: tables) },
        { database, contents in
            try database.execute(sql: checksumColumns)
            try fillChecksums(of: contents, in: database)
            try database.execute(sql: digestTriggers)
        },
    ]

    /// The version this code reads and writes.
    static var version: Int { migrations.count }

    /// Brings the tables from `current` to `version` in one transaction.
    ///
    /// - Parameter contents: what the rows say, read and checked in their present version.
    static func migrate(_ database: Database, from current: Int, holding contents: LedgerContents) throws {
        guard current < version else { return }
        try database.inTransaction(.immediate) {
            for step in migrations[current...] { try step(database, contents) }
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(sql: "PRAGMA user_version = \(version)")
            return .commit
        }
    }

    /// A record with attachments left cannot be deleted, nor an attachment added without a record: the ledger refuses
    /// both itself. WITHOUT ROWID keeps each row in its key's own tree, so there is no second index to disagree with
    /// it. `touched` is a counter for transactions that must write something. Names are stored as given; options as a
    /// JSON array of `["name"]` or `["name","value"]`; a mount id as the signed integer of the same 64 bits.
    private static let tables = """
        CREATE TABLE mounts (
            mountpoint TEXT NOT NULL PRIMARY KEY,
            type TEXT NOT NULL,
            source TEXT NOT NULL,
            options TEXT NOT NULL,
            credentials_digest TEXT,
            boot_id TEXT NOT NULL,
            mount_id INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE attachments (
            mountpoint TEXT NOT NULL REFERENCES mounts (mountpoint) ON DELETE RESTRICT ON UPDATE RESTRICT,
            consumer TEXT NOT NULL,
            volume TEXT NOT NULL,
            owner_uid INTEGER NOT NULL CHECK (owner_uid BETWEEN 0 AND 4294967295),
            persistent INTEGER NOT NULL CHECK (persistent IN (0, 1)),
            PRIMARY KEY (mountpoint, consumer, volume)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE touched (
            only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
            count INTEGER NOT NULL
        ) STRICT;
        INSERT INTO touched VALUES (1, 0);
        """

    private static let checksumColumns = """
        ALTER TABLE mounts ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE attachments ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE touched ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
        """

    /// `digest` is the exclusive or of all rows' checksums, kept by the database itself: a row that is missing, or an
    /// old one that has come back, leaves it wrong. It follows whoever deletes a row by hand, too. SQLite has no
    /// operator for the exclusive or; `(a | b) - (a & b)` is the same and never overflows.
    private static var digestTriggers: String {
        var sql = ""
        for table in ["mounts", "attachments"] {
            for (event, rows) in [("INSERT", ["NEW"]), ("DELETE", ["OLD"]), ("UPDATE", ["OLD", "NEW"])] {
                sql += "CREATE TRIGGER \(table)_\(event.lowercased()) AFTER \(event) ON \(table) BEGIN\n"
                for row in rows {
                    sql += "UPDATE touched SET digest = (digest | \(row).checksum) - (digest & \(row).checksum);\n"
                }
                sql += "END;\n"
            }
        }
        return sql
    }

    private static func fillChecksums(of contents: LedgerContents, in database: Database) throws {
        var digest: Int64 = 0
        for (mountpoint, entry) in contents.mounts {
            let name = mountpoint.path.string
            let options = try StoredOptions.encode(entry.record.source.options)
            let sum = LedgerChecksum.of(entry.record, at: name, options: options)
            digest ^= sum
            try database.execute(
                sql: "UPDATE mounts SET options = ?, checksum = ? WHERE mountpoint = ?",
                arguments: [options, sum, name])
            for attachment in entry.attachments {
                let sum = LedgerChecksum.of(attachment, at: name)
                digest ^= sum
                try database.execute(
                    sql: "UPDATE attachments SET checksum = ? WHERE mountpoint = ? AND consumer = ? AND volume = ?",
                    arguments: [sum, name, attachment.key.consumer.name, attachment.key.volume.name])
            }
        }
        try database.execute(sql: "UPDATE touched SET digest = ?", arguments: [digest])
    }
}
