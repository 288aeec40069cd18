// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import MountModel

/// A folder on a host, `user@host:/folder`, in its one spelling: the host in lower case, an IPv6 address in brackets
/// and in the form of RFC 5952, no slash at the end.
struct HostSource: CustomStringConvertible {
    let user: String?
    let host: String
    let folder: String

    var description: String { (user.map { "\($0)@" } ?? "") + "\(host):\(folder)" }

    /// Reads a source.
    ///
    /// - Throws: `invalid_argument`, which says what is wrong.
    init(_ text: String, allowsUser: Bool) throws(MountError) {
        try InputText.check(text, as: "source", maximumLength: InputText.maximumPathLength)
        let bytes = Array(text.utf8)
        // The folder begins at the first "/"; a host has none.
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")), slash > 1, bytes[slash - 1] == UInt8(ascii: ":")
        else {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' is not a folder on a host",
                hint: "write host:/folder, with the address in brackets for IPv6")
        }
        var host = bytes[..<(slash - 1)]
        var user: String?
        if let at = host.lastIndex(of: UInt8(ascii: "@")) {
            guard allowsUser else {
                throw .invalidArgument("the source '\(InputText.quoted(text))' names a user; this type has none")
            }
            user = try Self.user(host[..<at], of: text)
            host = host[(at + 1)...]
        }
        self.user = user
        self.host = try Self.canonicalHost(host, of: text)
        let folder = OptionValue.withoutTrailingSlash(String(decoding: bytes[slash...], as: UTF8.self))
        try InputText.checkAbsolutePath(folder, as: "folder of the source")
        self.folder = folder
    }

    /// Whether it is written as `user:password@host`, `//user:password@server` or `https://user:password@host`.
    static func namesPassword(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let slash = bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
        let second = bytes[slash...].starts(with: "//".utf8) ? slash + 2 : slash
        return [bytes[..<slash], bytes[second...].prefix { $0 != UInt8(ascii: "/") }].contains { host in
            host.lastIndex(of: UInt8(ascii: "@")).map { host[..<$0].contains(UInt8(ascii: ":")) } ?? false
        }
    }

    private static func user(_ bytes: ArraySlice<UInt8>, of text: String) throws(MountError) -> String {
        guard let first = bytes.first, SourceGrammar.isAlphanumeric(first) || first == UInt8(ascii: "_"),
            bytes.count <= 255, bytes.allSatisfy({ SourceGrammar.isAlphanumeric($0) || "._-+$".utf8.contains($0) })
        else {
            throw .invalidArgument(
                "the user in the source '\(InputText.quoted(text))' is none",
                hint: "a user's name has letters, digits and ._-+$, and begins with a letter, a digit or _")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The address in brackets, without them, and every other host as it is.
    static func bare(_ host: String) -> String {
        host.utf8.first == UInt8(ascii: "[") ? String(host.dropFirst().dropLast()) : host
    }

    /// - Throws: `invalid_argument` for what is no name and no address.
    static func canonicalHost(_ bytes: ArraySlice<UInt8>, of text: String) throws(MountError) -> String {
        let name = String(decoding: bytes, as: UTF8.self)
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") {
            if let address = address(String(name.dropFirst().dropLast())) { return "[\(address)]" }
            throw .invalidArgument("the host in the source '\(InputText.quoted(text))' is no IPv6 address")
        }
        // RFC 1123: labels of letters, digits and hyphens, at most 253 bytes; the underscore is seen in the wild.
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { SourceGrammar.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == 0x5F }
        }
        guard isName, bytes.count <= 253, !isOddAddress(name, labels.last ?? []) else {
            throw .invalidArgument(
                "the host in the source '\(InputText.quoted(text))' is no name and no address",
                hint: bytes.contains(UInt8(ascii: ":")) ? "an IPv6 address is written in brackets" : nil)
        }
        return name.lowercased()
    }

    /// Whether it is an IPv4 address in another form than four decimal numbers, as `127.1`, which resolvers take; no
    /// name ends in a number.
    private static func isOddAddress(_ name: String, _ last: ArraySlice<UInt8>) -> Bool {
        let digits = last.starts(with: "0x".utf8) || last.starts(with: "0X".utf8) ? last.dropFirst(2) : nil
        let isNumber =
            digits?.allSatisfy { Unicode.Scalar($0).properties.isASCIIHexDigit }
            ?? last.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        var address = in_addr()
        return isNumber && inet_pton(AF_INET, name, &address) != 1
    }

    /// The address as RFC 5952 writes it; nil for what is none.
    private static func address(_ text: String) -> String? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        var written = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &written, socklen_t(written.count)) != nil else { return nil }
        return String(decoding: written.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
