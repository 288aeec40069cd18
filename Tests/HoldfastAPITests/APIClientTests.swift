// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import MountModel
import Testing

@Suite("Client: one request over a socket")
struct APIClientTests {
    @Test("each method asks its endpoint")
    func endpoints() throws {
        func check<Answer: Encodable & Equatable>(
            _ line: String, _ answer: Answer, _ call: (APIClient) throws -> Answer
        ) throws {
            let server = try ScriptedServer(answering: answer)
            let received = try call(APIClient(socketPath: server.path))
            #expect(received == answer)
            #expect(server.stop().map(\.line) == [line + " HTTP/1.1"])
        }
        let detached = DetachResponse(detached: true, mountState: "absent")
        let selector = DetachSelector(source: "h:/a&b", consumer: "c d", volume: "v", type: "nfs", at: "/m")
        try check("POST /v1/attachments", Samples.attached) { try $0.attach(.init(source: "/s", consumer: "c")) }
        try check("GET /v1/attachments", AttachmentList(attachments: [])) { try $0.attachments() }
        try check("GET /v1/attachments/a-1", Samples.attached) { try $0.attachment(id: "a-1") }
        try check("DELETE /v1/attachments/a%2F%20%3F?timeout_seconds=0.5", detached) {
            try $0.detach(id: "a/ ?", timeoutSeconds: 0.5)
        }
        try check(
            "DELETE /v1/attachments?source=h%3A%2Fa%26b&consumer=c%20d&volume=v&type=nfs&at=%2Fm&timeout_seconds=2.0",
            detached
        ) { try $0.detach(selector, timeoutSeconds: 2) }
        try check("DELETE /v1/attachments?source=s&consumer=c", detached) {
            try $0.detach(.init(source: "s", consumer: "c"))
        }
        try check("GET /v1/mounts", Samples.list) { try $0.mounts() }
        try check("GET /v1/mounts/m-1", Samples.detail) { try $0.mount(id: "m-1") }
        try check("POST /v1/verify", Samples.verified) { try $0.verify() }
        try check("GET /v1/doctor", Samples.diagnosis) { try $0.doctor() }
        try check("GET /v1/status", Samples.status) { try $0.status() }
    }

    @Test("an attach sends its request as a body that the strict decoder takes")
    func requestBody() throws {
        let server = try ScriptedServer(answering: Samples.attached)
        let request = AttachRequest(source: "/dev/vdb", consumer: "ü", options: ["a=b"], timeoutSeconds: 3)
        _ = try APIClient(socketPath: server.path).attach(request)
        let seen = try #require(server.stop().first)
        #expect(seen.head.contains("\r\nContent-Type: application/json"))
        #expect(try APIJSON.decodeRequest(AttachRequest.self, from: seen.body.utf8) == request)
    }

    @Test("an answer in chunks, or byte by byte, is the same answer")
    func chunkedAndSlow() throws {
        let chunked = try Samples.chunkedResponse(Samples.list, size: 7)
        for steps: [ScriptedServer.Step] in [
            [.send(chunked)], [.trickle(chunked)], [.trickle(try Samples.response(Samples.list))],
            [.send(try Samples.response(Samples.list)), .hang],
        ] {
            let server = try ScriptedServer(steps)
            #expect(try APIClient(socketPath: server.path).mounts() == Samples.list)
        }
    }

    @Test("a hang-up after any number of bytes is 'unavailable', never a part of an answer")
    func hangUps() throws {
        for bytes in [
            try Samples.response(Samples.status), try Samples.chunkedResponse(Samples.status, size: 50),
            try Samples.response(Samples.problem, status: 422),
        ] {
            let next = Locked(0)
            let server = try ScriptedServer { _ in [.send(Array(bytes.prefix(next.value)))] }
            let client = APIClient(socketPath: server.path)
            for length in bytes.indices {
                next.change { $0 = length }
                let problem = #expect(throws: Problem.self) { try client.status() }
                #expect(problem?.code == "unavailable", "after \(length) bytes")
                #expect(
                    problem?.detail == "the daemon closed the connection "
                        + (length == 0 ? "without an answer" : "in the middle of its answer"))
            }
        }
    }

    @Test("a hang-up before the request is read is 'unavailable', and says what may have happened")
    func hangUpAtOnce() throws {
        let server = try ScriptedServer([.hangUpAtOnce(after: [])])
        let large = AttachRequest(source: String(repeating: "s", count: 4_000_000), consumer: "c")
        let problem = #expect(throws: Problem.self) { try APIClient(socketPath: server.path).attach(large) }
        #expect(problem?.detail == "the daemon closed the connection without an answer")
        #expect(problem?.hint == "it may have been carried out: see 'holdfast list'")
    }

    @Test("an answer that came before the request was read is the answer")
    func earlyAnswer() throws {
        let answer = try Samples.response(Problem(.invalidArgument("the body is too long")), status: 413)
        let server = try ScriptedServer([.hangUpAtOnce(after: answer)])
        let large = AttachRequest(source: String(repeating: "s", count: 4_000_000), consumer: "c")
        let problem = #expect(throws: Problem.self) { try APIClient(socketPath: server.path).attach(large) }
        #expect(problem?.detail == "the body is too long")
    }

    @Test("a daemon that hangs is 'timed_out', and the connection is closed")
    func hang() throws {
        let head = Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123".utf8)
        for steps: [ScriptedServer.Step] in [[.hang], [.send(head), .hang]] {
            let server = try ScriptedServer(steps)
            let problem = #expect(throws: Problem.self) {
                try APIClient(socketPath: server.path, patience: .milliseconds(50)).status()
            }
            #expect(problem?.code == "timed_out")
            #expect(problem?.detail == "the daemon did not answer within 0.05 s")
            // Ends only because the client has closed its side.
            server.stop()
        }
    }

    @Test("a daemon that never stops sending is 'timed_out' too")
    func endlessTrickle() throws {
        let head = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        // Faster than it can be read: there is always something to receive.
        let flood = Array(String(repeating: "1\r\nx\r\n", count: 100_000).utf8)
        let server = try ScriptedServer([.send(head), .repeatForever(flood)])
        let problem = #expect(throws: Problem.self) {
            try APIClient(socketPath: server.path, patience: .milliseconds(50)).status()
        }
        #expect(problem?.code == "timed_out")
    }

    @Test("a daemon that does not accept connections is 'timed_out'")
    func fullQueue() throws {
        let folder = try temporaryFolder()
        let listener = try listeningSocket(at: folder + "/s", backlog: 0)
        defer {
            close(listener)
            unlink(folder + "/s")
            rmdir(folder)
        }
        // The first takes the only place in the queue and is never answered.
        let first = #expect(throws: Problem.self) {
            try APIClient(socketPath: folder + "/s", patience: .milliseconds(50)).status()
        }
        let second = #expect(throws: Problem.self) {
            try APIClient(socketPath: folder + "/s", patience: .milliseconds(50)).status()
        }
        #expect(first?.code == "timed_out")
        #expect(second?.code == "timed_out")
    }

    @Test("the daemon is given its own time, and the answer some more")
    func deadline() throws {
        let server = try ScriptedServer([.hang])
        let problem = #expect(throws: Problem.self) {
            try APIClient(socketPath: server.path, margin: .milliseconds(20))
                .detach(id: "a-1", timeoutSeconds: 0.03)
        }
        #expect(problem?.detail == "the daemon did not answer within 0.05 s")
        #expect(problem?.hint == "it may have been carried out: see 'holdfast list'")
    }

    @Test("while it waits it tells for how long")
    func waiting() throws {
        let ticks = Locked<[Duration]>([])
        let server = try ScriptedServer([.hang])
        var client = APIClient(socketPath: server.path, patience: .milliseconds(350))
        client.onWait = { elapsed in ticks.change { $0.append(elapsed) } }
        #expect(throws: Problem.self) { try client.status() }
        #expect(ticks.value.count >= 2)
        #expect(ticks.value == ticks.value.sorted())
    }

    @Test("garbage and answers without an end are 'internal'")
    func garbage() throws {
        for text in ["SSH-2.0-x\r\n", "\0\0\0\n", "HTTP/1.1 200 OK\r\n\r\n{}"] {
            let server = try ScriptedServer([.send(Array(text.utf8))])
            let problem = #expect(throws: Problem.self) { try APIClient(socketPath: server.path).status() }
            #expect(problem?.code == "internal")
        }
    }

    @Test("an answer of another shape is 'internal' and names the place")
    func otherShape() throws {
        let server = try ScriptedServer(answering: ["version": 1])
        let problem = #expect(throws: Problem.self) { try APIClient(socketPath: server.path).status() }
        #expect(problem?.code == "internal")
        #expect(problem?.detail.contains("field '") == true)
    }

    @Test("an answer over 64 MiB is refused, by its length or chunk by chunk")
    func oversized() throws {
        let declared = Array("HTTP/1.1 200 OK\r\nContent-Length: \((64 << 20) + 1)\r\n\r\n".utf8)
        let chunk = Array("400000\r\n".utf8) + [UInt8](repeating: 0x20, count: 1 << 22) + Array("\r\n".utf8)
        let head = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        for steps: [ScriptedServer.Step] in [[.send(declared)], [.send(head), .repeatForever(chunk)]] {
            let server = try ScriptedServer(steps)
            let problem = #expect(throws: Problem.self) {
                try APIClient(socketPath: server.path, patience: .seconds(60)).status()
            }
            #expect(problem?.detail == "the answer is longer than 64 MiB")
        }
    }

    @Test("a problem document is thrown as it came")
    func problemDocument() throws {
        let server = try ScriptedServer(answering: Samples.problem, status: 422)
        let problem = #expect(throws: Problem.self) { try APIClient(socketPath: server.path).status() }
        #expect(problem == Samples.problem)
    }

    @Test(
        "a failure without a problem document is told by its status",
        arguments: [
            (400, "invalid_argument"), (403, "permission_denied"), (404, "unsupported"), (413, "invalid_argument"),
            (500, "internal"), (302, "internal"), (503, "unavailable"),
        ])
    func bareStatus(status: Int, code: String) throws {
        let server = try ScriptedServer(answering: ["error": "text"], status: status)
        let problem = #expect(throws: Problem.self) { try APIClient(socketPath: server.path).status() }
        #expect(problem?.code == code)
        #expect(problem?.detail == "the daemon answered GET /v1/status with status \(status)")
    }

    @Test("nobody there is 'unavailable' with a hint, by whichever error the kernel says it")
    func nobodyThere() throws {
        let folder = try temporaryFolder()
        defer { rmdir(folder) }
        let stale = folder + "/stale"
        close(try listeningSocket(at: stale, backlog: 1))
        defer { unlink(stale) }
        for path in [folder + "/none", stale] {
            let problem = #expect(throws: Problem.self) { try APIClient(socketPath: path).status() }
            #expect(problem?.code == "unavailable")
            #expect(problem?.detail == "the daemon cannot be reached: nobody listens on \(path)")
            #expect(problem?.hint?.contains("HOLDFAST_SOCKET") == true)
        }
        let other = #expect(throws: Problem.self) { try APIClient(socketPath: "/proc/self/status/x").status() }
        #expect(other?.code == "unavailable")
        #expect(other?.errno == ENOTDIR)
    }

    @Test("a path that is too long, empty or cut by a NUL is the caller's mistake")
    func paths() throws {
        for path in ["", "/tmp/\0", "/" + String(repeating: "x", count: 107)] {
            let problem = #expect(throws: Problem.self) { try APIClient(socketPath: path).status() }
            #expect(problem?.code == "invalid_argument")
        }
        let longest = #expect(throws: Problem.self) {
            try APIClient(socketPath: "/" + String(repeating: "x", count: 106)).status()
        }
        #expect(longest?.code == "unavailable")
    }

    @Test("failed requests leave no descriptor behind")
    func leaks() throws {
        func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        let before = try descriptors()
        for _ in 0..<500 {
            #expect(throws: Problem.self) { try APIClient(socketPath: "/nonexistent/s").status() }
            #expect(throws: Problem.self) { try APIClient(socketPath: "").status() }
        }
        // Other tests open some at the same time.
        #expect(try descriptors() < before + 400)
    }
}
