// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import HoldfastAPI

/// A connection for what no proper client does: closed when dropped.
final class RawConnection {
    private let descriptor: Int32

    /// Connects; nil where nobody listens.
    init?(_ path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result != 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Sends without waiting for room; whether all of it went.
    @discardableResult
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            == bytes.count
    }
}

/// Requests as text.
enum RawRequest {
    /// `POST /v1/attachments`.
    static func attach(_ request: AttachRequest) -> String? {
        guard let body = try? APIJSON.encode(request) else { return nil }
        let head = "POST /v1/attachments HTTP/1.1\r\nHost: holdfast\r\nContent-Type: application/json\r\n"
        return head + "Content-Length: \(body.count)\r\n\r\n" + String(decoding: body, as: UTF8.self)
    }

    /// `DELETE /v1/attachments`.
    static func detach(_ selector: DetachSelector) -> String? {
        let pairs = [
            ("source", selector.source), ("consumer", selector.consumer), ("volume", selector.volume),
            ("type", selector.type), ("at", selector.at),
        ]
        let query = pairs.compactMap { name, value in
            value?.addingPercentEncoding(withAllowedCharacters: .alphanumerics).map { "\(name)=\($0)" }
        }
        return "DELETE /v1/attachments?\(query.joined(separator: "&")) HTTP/1.1\r\nHost: holdfast\r\n\r\n"
    }

    /// What must be refused, or is not complete.
    static let malformed = [
        "\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}", "GET /v1/mounts HTTP/1.1\r\n",
        "GET /v1/mounts HTTP/9.9\r\nHost: holdfast\r\n\r\n", "PATCH /v1/mounts HTTP/1.1\r\nHost: holdfast\r\n\r\n",
        "POST /v1/attachments HTTP/1.1\r\nHost: holdfast\r\nContent-Length: 999999999\r\n\r\n{",
        "POST /v1/attachments HTTP/1.1\r\nHost: holdfast\r\nContent-Length: 12\r\n\r\n{\"source\":1}",
        "POST /v1/attachments HTTP/1.1\r\nHost: holdfast\r\nContent-Length: 40\r\n\r\n{\"source\":",
        "GET /\(String(repeating: "x", count: 20_000)) HTTP/1.1\r\nHost: holdfast\r\n\r\n",
        "DELETE /v1/attachments?source=a&source=b&consumer=c HTTP/1.1\r\nHost: holdfast\r\n\r\n",
    ]
}
