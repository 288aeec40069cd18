// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import HoldfastAPI
import SystemPackage

/// A blocking client that writes the bytes it is given and reads HTTP responses; each call runs on a thread of its own
/// queue, off the cooperative pool. A read gives up after 20 seconds, so that a server which hangs fails the test.
final class RawClient: Sendable {
    struct Failure: Error { let call: String, number: CInt }

    struct Response: Sendable {
        var status = 0
        var fields: [String: String] = [:]
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }
        var problem: Problem? {
            fields["content-type"] == "application/problem+json"
                ? try? APIJSON.decodeResponse(Problem.self, from: body) : nil
        }
    }

    private let descriptor: CInt
    private let queue = DispatchQueue(label: "client")
    // SAFETY: touched on `queue` only.
    nonisolated(unsafe) private var pending: [UInt8] = []
    // SAFETY: touched on `queue` only.
    nonisolated(unsafe) private var isOpen = true

    init(_ path: FilePath) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.string.utf8) }
        // SAFETY: sockaddr_un begins as sockaddr does, and its own length is passed.
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result < 0 {
            let number = errno
            Glibc.close(descriptor)
            throw Failure(call: "connect", number: number)
        }
    }

    private func onQueue<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await onQueue { [descriptor] in
            var rest = bytes[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                if sent < 0 { throw Failure(call: "send", number: errno) }
                rest = rest.dropFirst(sent)
            }
        }
    }

    /// Sends one text beside a `receive` that is waiting; it goes out whole or fails.
    func sendFromOutside(_ text: String) async throws {
        let bytes = Array(text.utf8)
        if Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)) < 0 {
            throw Failure(call: "send", number: errno)
        }
    }

    /// The next response; nil at the end of the connection.
    func receive(toHead: Bool = false) async throws -> Response? {
        try await onQueue {
            while true {
                if let response = self.parse(toHead: toHead) { return response }
                if try !self.readMore() { return nil }
            }
        }
    }

    /// Waits for the beginning of a response and leaves the rest unread.
    func receiveBeginning() async throws {
        try await onQueue { [descriptor] in
            var byte: UInt8 = 0
            if recv(descriptor, &byte, 1, 0) != 1 { throw Failure(call: "recv", number: errno) }
        }
    }

    /// Waits for the beginning of a response and takes nothing of it.
    func waitForBeginning() async throws {
        try await onQueue { [descriptor] in
            var byte: UInt8 = 0
            if recv(descriptor, &byte, 1, CInt(MSG_PEEK)) != 1 { throw Failure(call: "recv", number: errno) }
        }
    }

    /// Sends a request and returns its response.
    func ask(_ method: String, _ target: String, fields: String = "", body: String? = nil) async throws -> Response {
        var text = "\(method) \(target) HTTP/1.1\r\nhost: h\r\n\(fields)"
        if let body { text += "content-length: \(body.utf8.count)\r\n\r\n\(body)" } else { text += "\r\n" }
        try await send(text)
        guard let response = try await receive(toHead: method == "HEAD") else { throw Failure(call: "ask", number: 0) }
        return response
    }

    /// Whether the server closes without sending anything more.
    func isAtEnd() async throws -> Bool {
        try await onQueue { try self.pending.isEmpty && !self.readMore() }
    }

    func shutdownWrite() async throws {
        try await onQueue { [descriptor] in
            if shutdown(descriptor, CInt(SHUT_WR)) < 0 { throw Failure(call: "shutdown", number: errno) }
        }
    }

    func close() async throws {
        try await onQueue {
            if self.isOpen { Glibc.close(self.descriptor) }
            self.isOpen = false
        }
    }

    private func readMore() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 {
            if errno == ECONNRESET { return false }
            throw Failure(call: "recv", number: errno)
        }
        pending += buffer[..<count]
        return count > 0
    }

    private func parse(toHead: Bool) -> Response? {
        let end = Array("\r\n\r\n".utf8)
        guard let split = pending.indices.first(where: { pending[$0...].starts(with: end) }) else { return nil }
        let lines = String(decoding: pending[..<split], as: UTF8.self).split(separator: "\r\n")
        var response = Response()
        response.status = lines.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            let halves = line.split(separator: ":", maxSplits: 1)
            response.fields[halves[0].lowercased()] = halves.count > 1 ? String(halves[1].drop { $0 == " " }) : ""
        }
        let length = toHead || response.status == 100 ? 0 : Int(response.fields["content-length"] ?? "0") ?? 0
        let start = split + end.count
        guard pending.count >= start + length else { return nil }
        response.body = Array(pending[start..<start + length])
        pending.removeFirst(start + length)
        return response
    }
}
