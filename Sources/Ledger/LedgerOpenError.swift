// SPDX-License-Identifier: Apache-2.0

public import MountModel
public import SystemPackage

/// Why a ledger was not opened: a reason to decide by, and the sentence for a person.
public struct LedgerOpenError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the caller decides by.
    public let reason: Reason
    /// What failed, why, and what to do.
    public var error: MountError
    /// Where an unreadable ledger has been moved; nil where it is as it was.
    public var movedTo: FilePath?

    /// Puts the parts together.
    public init(_ reason: Reason, _ error: MountError, movedTo: FilePath? = nil) {
        self.reason = reason
        self.error = error
        self.movedTo = movedTo
    }

    public var description: String { error.description }

    /// The kinds of failure that need different answers.
    public enum Reason: Hashable, Sendable, CaseIterable {
        /// The file is damaged or is no ledger: move it aside and start read-only from what the kernel shows.
        case unreadable
        /// A newer version has written it: leave it alone.
        case newerSchema
        /// Another process, or this one, has it open.
        case inUse
        /// It cannot be reached or written: a read-only or full filesystem, permissions, an I/O error.
        case unavailable
    }
}
