// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging

/// Keeps what is logged.
final class LogRecorder: LogHandler, Sendable {
    private let lock = NSLock()
    nonisolated(unsafe) private var entries: [LogEvent] = []  // SAFETY: under the lock.

    var logLevel: Logger.Level {
        get { .trace }
        set {}  // swift-log asks for one; everything is kept.
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}  // As above.
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}  // As above.
    }

    /// The metadata of the entries that are this text, of this level or of any, in order.
    func entries(_ text: String, at level: Logger.Level? = nil) -> [[String: String]] {
        metadata(at: level) { $0 == text }
    }

    /// The metadata of the entries that begin with this text, of this level or of any, in order.
    func entries(beginningWith text: String, at level: Logger.Level? = nil) -> [[String: String]] {
        metadata(at: level) { $0.hasPrefix(text) }
    }

    private func metadata(at level: Logger.Level?, where isMeant: (String) -> Bool) -> [[String: String]] {
        lock.withLock {
            entries.filter { isMeant($0.message.description) && (level == nil || $0.level == level) }
                .map { ($0.metadata ?? [:]).mapValues(\.description) }
        }
    }

    func log(event: LogEvent) {
        lock.withLock { entries.append(event) }
    }
}
