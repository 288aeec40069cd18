// SPDX-License-Identifier: Apache-2.0

import GRDB
import MountModel
import SystemPackage

extension Database {
    /// Runs one change's statements inside the transaction that is open: what goes, then the record, then what comes.
    ///
    /// - Throws: a `DatabaseError` of SQLite's, or `invalid_argument` for a text that cannot be stored.
    func apply(_ change: LedgerChange) throws {
        let mountpoint = change.mountpoint.path.string
        if !change.remove.isEmpty {
            let statement = try cachedStatement(
                sql: "DELETE FROM attachments WHERE mountpoint = ? AND consumer = ? AND volume = ?")
            for key in change.remove {
                try statement.execute(arguments: [mountpoint, key.consumer.name, key.volume.name])
            }
        }
        switch change.record {
        case .keep: break
        case .set(let record): try set(record, at: mountpoint)
        case .delete:
            try cachedStatement(sql: "DELETE FROM mounts WHERE mountpoint = ?").execute(arguments: [mountpoint])
        }
        if !change.add.isEmpty {
            let statement = try cachedStatement(
                sql: """
                    INSERT INTO attachments (mountpoint, consumer, volume, owner_uid, persistent, checksum)
                    VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET owner_uid = excluded.owner_uid, persistent = excluded.persistent,
                        checksum = excluded.checksum
                    """)
            for attachment in change.add {
                try statement.execute(arguments: [
                    mountpoint, attachment.key.consumer.name, attachment.key.volume.name, Int64(attachment.owner),
                    attachment.persistent ? 1 : 0, LedgerChecksum.of(attachment, at: mountpoint),
                ])
            }
        }
    }

    private func set(_ record: MountRecord, at mountpoint: String) throws {
        let source = record.source
        // SQLite's functions and tools end a text at a NUL, so what is read back would not be what was written.
        for text in [source.type.rawValue, source.source, source.credentialsDigest ?? "", record.boot.rawValue]
        where text.utf8.contains(0) {
            throw MountError.invalidArgument(
                "the ledger cannot store '\(InputText.quoted(text))': it has a NUL character")
        }
        let options = try StoredOptions.encode(source.options)
        // An upsert, because REPLACE would delete the old row, which attachments forbid.
        try cachedStatement(
            sql: """
                INSERT INTO mounts (mountpoint, type, source, options, credentials_digest, boot_id, mount_id,
                    checksum)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET type = excluded.type, source = excluded.source, options = excluded.options,
                    credentials_digest = excluded.credentials_digest, boot_id = excluded.boot_id,
                    mount_id = excluded.mount_id, checksum = excluded.checksum
                """
        ).execute(arguments: [
            mountpoint, source.type.rawValue, source.source, options, source.credentialsDigest, record.boot.rawValue,
            record.mountID.map { Int64(bitPattern: $0.rawValue) },
            LedgerChecksum.of(record, at: mountpoint, options: options),
        ])
    }
}
