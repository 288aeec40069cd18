// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A daemon that answers on a real Unix socket as a script says; on a thread of its own, one connection at a time.
final class ScriptedServer: Sendable {
    /// One thing that the server does with a connection; it hangs up after the last.
    enum Step: Sendable {
        case send([UInt8])
        /// Sends byte by byte.
        case trickle([UInt8])
        /// Sends again and again until the client has gone.
        case repeatForever([UInt8])
        /// Does nothing until the client has gone.
        case hang
        /// Sends this, perhaps nothing, and hangs up without having read the request.
        case hangUpAtOnce(after: [UInt8])
    }

    /// A request as it came.
    struct Request: Sendable {
        var line: String
        var head: String
        var body: String
    }

    /// A folder of the server's own, removed with it.
    let folder: String
    let path: String
    private let listener: Int32
    private let seen = Locked<[Request]>([])
    private let gone = Locked<Int>(0)
    private let finished = DispatchSemaphore(value: 0)

    init(_ script: @escaping @Sendable (Request) -> [Step]) throws {
        folder = try temporaryFolder()
        path = folder + "/s"
        listener = try listeningSocket(at: path, backlog: 128)
        let (listener, seen, gone, finished) = (listener, seen, gone, finished)
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 { break }
                if case .hangUpAtOnce(let bytes)? = script(Request(line: "", head: "", body: "")).first {
                    perform(.send(bytes), on: connection)
                    close(connection)
                    continue
                }
                if let request = readRequest(connection) {
                    seen.change { $0.append(request) }
                    for step in script(request) { perform(step, on: connection) }
                }
                close(connection)
                gone.change { $0 += 1 }
            }
            finished.signal()
        }
    }

    convenience init(_ steps: [Step]) throws { try self.init { _ in steps } }

    /// Always the same answer.
    convenience init(answering value: some Encodable, status: Int = 200) throws {
        try self.init([.send(try Samples.response(value, status: status))])
    }

    /// Stops the thread and waits for its end; returns the requests that came.
    @discardableResult
    func stop() -> [Request] {
        shutdown(listener, Int32(SHUT_RDWR))
        finished.wait()
        finished.signal()
        return seen.value
    }

    deinit {
        stop()
        close(listener)
        unlink(path)
        rmdir(folder)
    }
}

/// A value behind a lock.
final class Locked<Value: Sendable>: Sendable {
    private let lock = NSLock()
    // SAFETY: only touched while the lock is held.
    nonisolated(unsafe) private var stored: Value

    init(_ value: Value) { stored = value }

    var value: Value { lock.withLock { stored } }

    func change(_ body: (inout Value) -> Void) { lock.withLock { body(&stored) } }
}

struct SystemFailure: Error {
    var what: String
    var code: Int32

    init(_ what: String) {
        self.what = what
        code = errno
    }
}

func temporaryFolder() throws -> String {
    var template = Array("/tmp/holdfast-api-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemFailure("mkdtemp") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func listeningSocket(at path: String, backlog: Int32) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemFailure("socket") }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SAFETY: the path is a few bytes long; a trap in a test is all that a longer one could do.
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    // SAFETY: `sockaddr` is how the call names any address; the length says how much is there.
    let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard result == 0, listen(descriptor, backlog) == 0 else { throw SystemFailure("bind") }
    return descriptor
}

private func readRequest(_ connection: Int32) -> ScriptedServer.Request? {
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let text = String(decoding: received, as: UTF8.self)
        if let end = text.range(of: "\r\n\r\n") {
            let head = String(text[..<end.lowerBound])
            let lines = head.components(separatedBy: "\r\n")
            let length = lines.compactMap { line in
                line.hasPrefix("Content-Length: ") ? Int(line.dropFirst(16)) : nil
            }.first
            let body = String(text[end.upperBound...])
            if body.utf8.count >= length ?? 0 { return .init(line: lines[0], head: head, body: body) }
        }
        let count = recv(connection, &buffer, buffer.count, 0)
        if count <= 0 { return nil }
        received += buffer[..<count]
    }
}

private func perform(_ step: ScriptedServer.Step, on connection: Int32) {
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the pointer is used only within the call, with the buffer's own length.
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
    switch step {
    case .send(let bytes): _ = send(bytes)
    case .trickle(let bytes): for byte in bytes where !send([byte]) { return }
    case .repeatForever(let bytes): while send(bytes) {}
    case .hang:
        var byte: UInt8 = 0
        while recv(connection, &byte, 1, 0) > 0 {}
    case .hangUpAtOnce: break
    }
}
