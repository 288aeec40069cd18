// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// The kernel's log from the moment this was opened, as a best effort: what filesystems say there and nowhere else.
///
/// Others write to the log at the same time, so only lines that name one of the given words are taken. A log that
/// cannot be opened or read (`man 2 syslog`, `dmesg_restrict`) is an empty one.
struct KernelLog: ~Copyable {
    private let descriptor: OwnedDescriptor?

    /// Opens the log at its end. Never blocks.
    init() {
        let flags = O_RDONLY | O_NONBLOCK
        let opened = hf_openat2(-1, "/dev/kmsg", flags, 0, UInt64(HF_RESOLVE_NO_MAGICLINKS))
        guard opened >= 0 else {
            descriptor = nil
            return
        }
        let owned = OwnedDescriptor(owning: opened)
        guard hf_seek_end(owned.rawValue) >= 0 else {
            descriptor = nil
            return
        }
        descriptor = consume owned
    }

    /// The new lines that mention one of the words, at most 16, letter case ignored.
    func lines(mentioning words: [String]) -> [String] {
        switch descriptor {
        case .some(let log): Self.lines(of: log, mentioning: words)
        case .none: []
        }
    }

    private static func lines(of log: borrowing OwnedDescriptor, mentioning words: [String]) -> [String] {
        let wanted = words.map { $0.lowercased() }.filter { !$0.isEmpty }
        var found: [String] = []
        var record = [UInt8](repeating: 0, count: 8192)
        // One read is one record. EPIPE (records were overwritten) ends it like EAGAIN (no more): best effort.
        while found.count < 16 {
            let count = hf_read(log.rawValue, &record, record.count)
            guard count > 0 else { break }
            guard let text = text(ofRecord: record[..<count]) else { continue }
            let lowered = text.lowercased()
            if wanted.contains(where: { lowered.contains($0) }) { found.append(text) }
        }
        return found
    }

    /// The message of a record `priority,sequence,time,flags;message\n KEY=value…`
    /// (Documentation/ABI/testing/dev-kmsg).
    static func text(ofRecord record: ArraySlice<UInt8>) -> String? {
        guard let semicolon = record.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let message = record[(semicolon + 1)...].prefix { $0 != UInt8(ascii: "\n") }
        return message.isEmpty ? nil : String(decoding: message, as: UTF8.self)
    }
}
