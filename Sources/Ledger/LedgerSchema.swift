// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The tables, and the steps from each version of them to the next.
enum LedgerSchema {
    /// "HFLG" in `application_id`: this file is a ledger of Holdfast's.
    static let applicationID: Int64 = 0x4846_4C47

    /// Step n leads from version n to n + 1, which `user_version` then holds. Released steps are never edited.
    ///
    /// A record with attachments left cannot be deleted, nor an attachment added without a record: the ledger refuses
    /// both itself. WITHOUT ROWID keeps each row in its key's own tree, so there is no second index to disagree with it.
    /// `touched` is a counter for transactions that must write something. Names are stored as given; options as a JSON array of `["name"]` or `["name","value"]`; a mount id
    /// as the signed integer of the same 64 bits.
    static let migrations = [
        """
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
    ]

    /// The version this code reads and writes.
    static var version: Int { migrations.count }

    /// Brings the tables from `current` to `version` in one transaction.
    static func migrate(_ database: Database, from current: Int) throws {
        guard current < version else { return }
        try database.inTransaction(.immediate) {
            for step in migrations[current...] { try database.execute(sql: step) }
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(sql: "PRAGMA user_version = \(version)")
            return .commit
        }
    }
}
