// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// An address of a web server in its one spelling: scheme and host in lower case, the scheme's own port left out, no
/// slash at the end, nothing but letters, digits and `._~%-` in the path, and no user in it.
struct WebAddress: CustomStringConvertible {
    let description: String

    /// Reads it.
    ///
    /// - Throws: `invalid_argument`, which names `what`.
    init(_ text: String, as what: String) throws(MountError) {
        try InputText.check(text, as: what, maximumLength: 2048)
        let lower = text.utf8.prefix(8).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        let isSecure = lower.starts(with: "https://".utf8)
        guard isSecure || lower.starts(with: "http://".utf8) else {
            throw .invalidArgument("the \(what) is no address of a web server", hint: "write https://host/folder")
        }
        let rest = text.utf8.dropFirst(isSecure ? 8 : 7)
        let server = rest.prefix { $0 != UInt8(ascii: "/") }
        // Before anything quotes the text: the password would be in the answer and in the log.
        if server.contains(UInt8(ascii: "@")) {
            throw .invalidArgument(
                "the \(what) names a user", hint: "an address is no secret: give the credentials as an option")
        }
        var bytes = Array(server)
        var port: Int64?
        if let colon = bytes.lastIndex(of: UInt8(ascii: ":")), !bytes[colon...].contains(UInt8(ascii: "]")) {
            let digits = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
            port = Int64(try OptionValue.integer(1...65535).canonical(digits, option: "port of the \(what)"))
            bytes.removeSubrange(colon...)
        }
        let host = try HostSource.canonicalHost(bytes[...], of: text)
        let path = OptionValue.withoutTrailingSlash(String(decoding: rest.dropFirst(server.count), as: UTF8.self))
        guard path.utf8.allSatisfy({ SourceGrammar.isAlphanumeric($0) || "/._~%-".utf8.contains($0) }) else {
            throw .invalidArgument(
                "the \(what) '\(InputText.quoted(text))' has a character that no address has",
                hint: "write what is not a letter, a digit or one of ._~- as %XX")
        }
        if !path.isEmpty { try InputText.checkAbsolutePath(path, as: "path of the \(what)") }
        let isDefault = port == nil || port == (isSecure ? 443 : 80)
        description =
            "http\(isSecure ? "s" : "")://\(host)\(isDefault ? "" : ":\(port ?? 0)")\(path == "/" ? "" : path)"
    }
}
