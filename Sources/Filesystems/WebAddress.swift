// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// An address of a web server in its one spelling: scheme and host in lower case, the scheme's own port left out, no
/// slash at the end, nothing but letters, digits and `._~-` in the path and for all others `%XX`, in upper case, and no
/// user in it.
struct WebAddress: CustomStringConvertible {
    let description: String

    /// Reads it.
    ///
    /// - Throws: `invalid_argument`, which names `what`.
    init(_ text: String, as what: String) throws(MountError) {
        try InputText.check(text, as: what, maximumLength: 2048)
        guard let scheme = Self.scheme(of: text) else {
            throw .invalidArgument("the \(what) is no address of a web server", hint: "write https://host/folder")
        }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
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
        guard let decoded = Self.path(rest.dropFirst(server.count)) else {
            throw .invalidArgument(
                "the \(what) '\(InputText.quoted(text))' has a character that no address has",
                hint: "write what is not a letter, a digit or one of ._~- as %XX")
        }
        let path = OptionValue.withoutTrailingSlash(decoded)
        if !path.isEmpty { try InputText.checkAbsolutePath(path, as: "path of the \(what)") }
        let isDefault = port == nil || port == (scheme == "https://" ? 443 : 80)
        description = "\(scheme)\(host)\(isDefault ? "" : ":\(port ?? 0)")\(path == "/" ? "" : path)"
    }

    /// `https://` or `http://`; nil for what has neither.
    static func scheme(of text: String) -> String? {
        let lower = text.utf8.prefix(8).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return ["https://", "http://"].first { lower.starts(with: $0.utf8) }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        SourceGrammar.isAlphanumeric(byte) || "._~-".utf8.contains(byte)
    }

    /// RFC 3986, 6.2.2: `%XX` in upper case, and not for what needs none; nil for what no address has.
    private static func path(_ bytes: some Collection<UInt8>) -> String? {
        var path = ""
        var rest = Array(bytes)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                rest = rest.dropFirst(2)
                guard digits.utf8.count == 2, digits.utf8.allSatisfy(SourceGrammar.isAlphanumeric),
                    let meant = UInt8(digits, radix: 16)
                else { return nil }
                path += isUnreserved(meant) ? String(Unicode.Scalar(meant)) : "%" + digits.uppercased()
            } else {
                guard isUnreserved(byte) || byte == UInt8(ascii: "/") else { return nil }
                path.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return path
    }
}
