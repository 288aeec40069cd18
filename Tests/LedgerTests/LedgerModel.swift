// SPDX-License-Identifier: Apache-2.0

import Ledger
import MountModel
import MountTestSupport

/// The ledger as a plain value, and a source of changes for it.
struct LedgerModel {
    var contents = LedgerContents()
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    static let mountpoints = ["/mnt/a", "/mnt/b c", "/srv/ü", "/srv/%27'x\"", "/srv/deep/er", "/x"]

    /// Whether the change is allowed; if so, it is done.
    mutating func apply(_ change: LedgerChange) -> Bool {
        var entry = contents.mounts[change.mountpoint]
        entry?.attachments.removeAll { change.remove.contains($0.key) }
        switch change.record {
        case .keep: break
        case .set(let record):
            entry = LedgerContents.Entry(record: record, attachments: entry?.attachments ?? [])
        case .delete:
            if entry?.attachments.isEmpty == false { return false }
            entry = nil
        }
        for attachment in change.add {
            entry?.attachments.removeAll { $0.key == attachment.key }
            entry?.attachments.append(attachment)
        }
        if entry == nil, !change.add.isEmpty { return false }
        entry?.attachments.sort { Self.bytes($0.key).lexicographicallyPrecedes(Self.bytes($1.key)) }
        contents.mounts[change.mountpoint] = entry
        return true
    }

    /// Any change, allowed or not.
    mutating func change(at mountpoint: Mountpoint) throws -> LedgerChange {
        let held = contents.mounts[mountpoint]?.attachments.map(\.key) ?? []
        var change = LedgerChange(mountpoint: mountpoint, fullSync: chance(10))
        switch UInt64.random(in: 0..<10, using: &generator) {
        case 0..<4: change.record = .set(try record())
        case 4..<6: change.record = .delete
        default: break
        }
        for _ in 0..<Int.random(in: 0..<4, using: &generator) {
            let attachment = Attachment(key: try key(), owner: pick([0, 1000, .max]), persistent: chance(50))
            if !change.add.contains(where: { $0.key == attachment.key }) { change.add.append(attachment) }
        }
        if change.record == .delete, chance(50) {
            change.remove = held
            change.add = []
        } else {
            change.remove = held.filter { _ in chance(20) }
            if chance(10) { change.remove.append(try key()) }
        }
        return change
    }

    private mutating func record() throws -> MountRecord {
        let options: [MountOption] = [
            MountOption("ro"), MountOption("size", "1m"), MountOption("quote", "\"\\/'"), MountOption("empty", ""),
            MountOption("ümläut", "\u{1F5C4}"),
        ].filter { _ in chance(40) }
        return MountRecord(
            source: MountSource(
                type: FilesystemType(rawValue: pick(["nfs", "tmpfs"])), source: pick(["host:/a", "/dev/vdb", "it's"]),
                options: options, credentialsDigest: chance(50) ? nil : String(generator.next(), radix: 16)),
            boot: BootID(rawValue: pick(["one", "two"])),
            mountID: pick([nil, 0, 1, UInt64(Int64.max), .max, generator.next()]).map { MountID(rawValue: $0) })
    }

    private mutating func key() throws -> AttachmentKey {
        AttachmentKey(
            volume: try Volume(pick([".", "disk", "dìsk'"])), consumer: try Consumer(pick(["a", "B", "ç", "d d", "😀"])))
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &generator)]
    }

    private static func bytes(_ key: AttachmentKey) -> [UInt8] {
        Array(key.consumer.name.utf8) + [0] + Array(key.volume.name.utf8)
    }
}
