// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import HoldfastServer
import MountModel
import Testing

extension HTTPServerTests {
    /// What a client may take of memory and time.
    @Suite struct BoundsTests {
        /// Sends bytes, expects a problem with this status and then the end of the connection.
        private func expectRefusal(
            _ status: Int, of bytes: String, limits: ServerLimits = ServerLimits(),
            _ location: SourceLocation = #_sourceLocation
        ) async throws {
            try await withServer(limits: limits) { server in
                let client = try server.connect()
                do { try await client.send(bytes) } catch is RawClient.Failure { /* refused before the last byte */  }
                let response = try #require(try await client.receive(), sourceLocation: location)
                #expect(response.status == status, sourceLocation: location)
                #expect(response.problem?.status == status, sourceLocation: location)
                #expect(response.fields["connection"] == "close", sourceLocation: location)
                #expect(try await client.isAtEnd(), sourceLocation: location)
                #expect(await server.service.calls.isEmpty, sourceLocation: location)
            }
        }

        private let post = "POST /v1/attachments HTTP/1.1\r\nhost: h\r\n"

        @Test func `a body may have 64 KiB and not one byte more`() async throws {
            let start = #"{"source":"s","consumer":"c"}"#
            try await withServer { server in
                let body = start + String(repeating: " ", count: 65_536 - start.utf8.count)
                let response = try await server.ask("POST", "/v1/attachments", body: body)
                #expect(response.status == 201)
            }
            try await expectRefusal(413, of: post + "content-length: 65537\r\n\r\n")
            try await expectRefusal(413, of: post + "content-length: 9223372036854775807\r\n\r\n")
            try await expectRefusal(400, of: post + "content-length: 99999999999999999999\r\n\r\n")
            let chunk = "4000\r\n" + String(repeating: " ", count: 0x4000) + "\r\n"
            try await expectRefusal(
                413, of: post + "transfer-encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 5))
        }

        @Test func `the longest secret fits into a body, however it is escaped, and leaves room for the rest`()
            async throws
        {
            // Six bytes each, as all that JSON has an escape for may be written.
            let escaped = String(repeating: "\\u0041", count: Secret.maximumLength - 1)
            let rest = String(repeating: "x", count: 16_000)
            try await withServer { server in
                let body = #"{"source":"\#(rest)","consumer":"c","secrets":{"IdentityFile":"\#(escaped)"}}"#
                let response = try await server.ask("POST", "/v1/attachments", body: body)
                #expect(response.status == 201)
                guard case .attach(let request, _) = await server.service.calls.first else {
                    Issue.record("it was not attached")
                    return
                }
                #expect(request.secrets?.values.first?.content.count == Secret.maximumLength)
            }
        }

        @Test func `a name of a MiB is refused while it is being sent`() async throws {
            let body = #"{"source":"s","consumer":"\#(String(repeating: "x", count: 1 << 20))"}"#
            try await expectRefusal(413, of: post + "content-length: \(body.utf8.count)\r\n\r\n\(body)")
        }

        @Test func `a chunked body is taken`() async throws {
            try await withServer { server in
                let client = try server.connect()
                try await client.send(
                    post
                        + "transfer-encoding: chunked\r\n\r\n"
                        + "10\r\n{\"source\":\"s\",\"c\r\nC\r\nonsumer\":\"c\"\r\n1\r\n}\r\n0\r\n\r\n"
                )
                #expect(try await client.receive()?.status == 201)
            }
        }

        @Test func `a client that waits for 100 Continue gets it, or the refusal`() async throws {
            try await withServer { server in
                let client = try server.connect()
                try await client.send(post + "content-length: 29\r\nexpect: 100-continue\r\n\r\n")
                #expect(try await client.receive()?.status == 100)
                try await client.send(#"{"source":"s","consumer":"c"}"#)
                #expect(try await client.receive()?.status == 201)
            }
            try await expectRefusal(413, of: post + "content-length: 70000\r\nexpect: 100-continue\r\n\r\n")
        }

        @Test func `the head is bounded in every direction`() async throws {
            try await expectRefusal(
                414, of: "GET /\(String(repeating: "x", count: 8_192)) HTTP/1.1\r\nhost: h\r\n\r\n")
            try await expectRefusal(
                431, of: "GET /healthz HTTP/1.1\r\nhost: h\r\na: \(String(repeating: "x", count: 16_384))\r\n\r\n")
            try await expectRefusal(
                431, of: "GET /healthz HTTP/1.1\r\nhost: h\r\n\(String(repeating: "a: b\r\n", count: 100))\r\n")
            try await expectRefusal(431, of: "GET /" + String(repeating: "x", count: 200_000))
            try await expectRefusal(
                431, of: "GET /healthz HTTP/1.1\r\nhost: h\r\n" + String(repeating: "abcdefghij: b\r\n", count: 20_000))
        }

        @Test func `an idle connection is closed, before and after a request`() async throws {
            var limits = ServerLimits()
            limits.idleTimeout = .milliseconds(50)
            try await withServer(limits: limits) { server in
                #expect(try await server.connect().isAtEnd())
                let client = try server.connect()
                #expect(try await client.ask("GET", "/healthz").status == 200)
                #expect(try await client.isAtEnd())
            }
        }

        @Test func `a connection that waits for the service is not idle`() async throws {
            var limits = ServerLimits()
            limits.idleTimeout = .milliseconds(20)
            limits.receiveTimeout = .milliseconds(20)
            limits.sendTimeout = .milliseconds(20)
            try await withServer(limits: limits) { server in
                await server.service.hold()
                let client = try server.connect()
                try await client.send(post + "content-length: 29\r\n\r\n" + #"{"source":"s","consumer":"c"}"#)
                await server.service.waitForCalls(1)
                // An idle connection made now is closed after the deadline: by then the first one's would have passed.
                for _ in 0..<3 { #expect(try await server.connect().isAtEnd()) }
                await server.service.release()
                #expect(try await client.receive()?.status == 201)
            }
        }

        @Test(arguments: [
            "GET /", "GET /healthz HTTP/1.1\r\nx: ",
            "POST /v1/verify HTTP/1.1\r\nhost: h\r\ncontent-length: 60000\r\n\r\n{",
            "POST /v1/verify HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1;",
        ])
        func `a request that drips is ended by its deadline`(start: String) async throws {
            var limits = ServerLimits()
            limits.receiveTimeout = .milliseconds(150)
            try await withServer(limits: limits) { server in
                let client = try server.connect()
                try await client.send(start)
                let clock = ContinuousClock()
                let begin = clock.now
                let drip = Task {
                    // Each byte is new life for a timer that only looks at the last one.
                    while !Task.isCancelled {
                        try await client.sendFromOutside("x")
                        try await clock.sleep(for: .milliseconds(20))
                    }
                }
                let response = try await client.receive()
                drip.cancel()
                #expect(response?.status == 408)
                #expect(response?.problem?.code == "timed_out")
                #expect(clock.now - begin < .seconds(5))
                #expect(try await client.isAtEnd())
                #expect(await server.service.calls.isEmpty)
            }
        }

        @Test func `a client that does not read is ended by its deadline`() async throws {
            var limits = ServerLimits()
            limits.sendTimeout = .milliseconds(100)
            try await withServer(limits: limits) { server in
                await server.service.setMountCount(20_000)
                let client = try server.connect()
                try await client.send("GET /v1/mounts HTTP/1.1\r\nhost: h\r\n\r\n")
                try await client.receiveBeginning()
                // Asking for more does not help it.
                try await client.send("GET /v1/mounts HTTP/1.1\r\nhost: h\r\n\r\n")
                // The server's end shows in its log, not to a client that does not read.
                try await server.log.waitForLines {
                    $0.message == "connection timed out" && $0.metadata["phase"] == "send"
                }
            }
        }

        @Test func `a large answer arrives whole although the connection ends behind it`() async throws {
            try await withServer { server in
                await server.service.setMountCount(20_000)
                let client = try server.connect()
                try await client.send("GET /v1/mounts HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
                let response = try #require(try await client.receive())
                #expect(try APIJSON.decodeResponse(MountList.self, from: response.body).mounts.count == 20_000)
                #expect(try await client.isAtEnd())
            }
        }

        @Test func `pipelined requests are answered in order`() async throws {
            try await withServer { server in
                let client = try server.connect()
                let paths = ["/healthz", "/v1/nowhere", "/v1/status", "/readyz"]
                let many = Array(repeating: paths, count: 50).flatMap { $0 }
                try await client.send(many.map { "GET \($0) HTTP/1.1\r\nhost: h\r\n\r\n" }.joined())
                for path in many {
                    let response = try #require(try await client.receive())
                    #expect(response.status == (path == "/v1/nowhere" ? 404 : 200))
                    if path == "/readyz" { #expect(response.text == #"{"status":"ready"}"#) }
                }
            }
        }

        @Test func `a bad request behind good ones is refused after their answers`() async throws {
            try await withServer { server in
                await server.service.hold()
                let client = try server.connect()
                let body = #"{"source":"s","consumer":"c"}"#
                try await client.send(post + "content-length: \(body.utf8.count)\r\n\r\n\(body)nonsense\r\n\r\n")
                await server.service.waitForCalls(1)
                await server.service.release()
                #expect(try await client.receive()?.status == 201)
                #expect(try await client.receive()?.status == 400)
                #expect(try await client.isAtEnd())
            }
        }
    }
}
