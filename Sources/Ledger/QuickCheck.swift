// SPDX-License-Identifier: Apache-2.0

import GRDB

/// What SQLite's `PRAGMA quick_check` says of a database.
enum QuickCheck {
    /// Nothing is wrong.
    case sound
    /// A page says what it must not.
    case broken(String)
    /// A page could not be read. That says nothing about what is in it.
    case unread(DatabaseError)

    /// Tells them apart by the check's first finding.
    ///
    /// SQLite reports a page that it cannot read among its findings, not as an error: `unable to get the page. error
    /// code=266`, and `failed to get page 7` for one of the free list or of a value that takes several pages.
    /// (`sqlite/src/btree.c`, `checkTreePage` and `checkList`; the numbers of pages have been checked before.)
    init(firstFinding finding: String) {
        if finding == "ok" {
            self = .sound
        } else if let code = Self.errorCode(in: finding), Self.reasonsNotToRead.contains(code.primaryResultCode) {
            self = .unread(DatabaseError(resultCode: code, message: finding))
        } else if finding.contains("failed to get page") {
            self = .unread(DatabaseError(resultCode: .SQLITE_IOERR, message: finding))
        } else {
            self = .broken(finding)
        }
    }

    private static let reasonsNotToRead: [ResultCode] = [.SQLITE_IOERR, .SQLITE_NOMEM]

    /// The extended code that a finding names.
    private static func errorCode(in finding: String) -> ResultCode? {
        guard let name = finding.firstRange(of: "error code") else { return nil }
        let digits = finding[name.upperBound...].drop { $0 == "=" || $0 == " " }.prefix { $0.isWholeNumber }
        return CInt(digits).map { ResultCode(rawValue: $0) }
    }
}
