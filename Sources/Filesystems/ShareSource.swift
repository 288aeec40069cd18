// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// A share of a host, `//server/share/folder`, in its one spelling: server and share in lower case, since both are
/// found without regard to case, and an IPv6 address in brackets. The folder stays as it is: some servers tell its
/// cases apart.
struct ShareSource: CustomStringConvertible {
    let host: String
    let share: String
    /// Begins with `/`, or is empty.
    let folder: String

    var description: String { "//\(host)/\(share)\(folder)" }

    /// Reads a source.
    ///
    /// - Throws: `invalid_argument`, which says what is wrong.
    init(_ text: String) throws(MountError) {
        try InputText.check(text, as: "source", maximumLength: InputText.maximumPathLength)
        let parts = text.utf8.dropFirst(2).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard text.utf8.starts(with: "//".utf8), parts.count >= 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' is not a share", hint: "write //server/share")
        }
        if parts[0].contains(UInt8(ascii: "@")) {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' names a user", hint: "the option 'credentials' names it")
        }
        host = try HostSource.canonicalHost(Array(parts[0])[...], of: text)
        share = Self.lowercased(parts[1])
        let rest = parts.dropFirst(2)
        let path = rest.map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
        folder = path == "/" ? "" : OptionValue.withoutTrailingSlash(path)
        try check(text)
    }

    /// The program and the kernel put share and folder into texts of their own, between commas and backslashes.
    private func check(_ text: String) throws(MountError) {
        if let bad = (share + folder).utf8.first(where: { "\\,\"*?<>|:".utf8.contains($0) }) {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' has a '\(Unicode.Scalar(bad))'",
                hint: "no share or folder with such a character can be mounted")
        }
        try InputText.checkAbsolutePath("/" + share, as: "share of the source")
        if !folder.isEmpty { try InputText.checkAbsolutePath(folder, as: "folder of the source") }
    }

    /// ASCII only: how servers fold other letters differs.
    private static func lowercased(_ bytes: some Sequence<UInt8>) -> String {
        String(
            decoding: bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 },
            as: UTF8.self)
    }
}
