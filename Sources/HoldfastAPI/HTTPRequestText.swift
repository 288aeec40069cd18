// SPDX-License-Identifier: Apache-2.0

/// One HTTP/1.1 request (RFC 9112) as the client sends it: one a connection.
struct HTTPRequestText {
    /// `GET`, `POST` or `DELETE`.
    var method: String
    /// Path and query, percent-encoded.
    var target: String
    /// JSON; nil sends none.
    var body: [UInt8]?

    /// Joins an encoded path with the members of a query that have a value.
    init(_ method: String, _ path: String, query: [(name: String, value: String?)] = [], body: [UInt8]? = nil) {
        self.method = method
        self.body = body
        let pairs = query.compactMap { name, value in value.map { "\(name)=\(Self.percentEncoded($0))" } }
        target = pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }

    /// What goes over the wire.
    var bytes: [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: holdfast\r\nAccept: application/json\r\nConnection: close\r\n"
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + (body ?? [])
    }

    /// Everything but RFC 3986's unreserved characters as `%XX`: safe as a path's component and as a query's value.
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default:
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
