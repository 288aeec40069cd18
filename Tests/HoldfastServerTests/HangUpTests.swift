// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import HoldfastServer
import Testing

extension HTTPServerTests {
    /// A client that goes away, in part or altogether.
    @Suite struct HangUpTests {
        private let body = #"{"source":"s","consumer":"c"}"#
        private var attach: String {
            "POST /v1/attachments HTTP/1.1\r\nhost: h\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        }

        @Test(arguments: [1, 20, 60, -1])
        func `a request that is cut off calls nothing`(length: Int) async throws {
            try await withServer { server in
                let client = try server.connect()
                try await client.send(String(attach.utf8.dropLast(length < 0 ? 1 : attach.utf8.count - length)) ?? "")
                try await client.close()
                #expect(try await server.ask("GET", "/healthz").status == 200)
                await server.shutDown()
                #expect(await server.service.calls.isEmpty)
            }
        }

        @Test func `a client that hangs up withdraws its attach`() async throws {
            try await withServer { server in
                await server.service.hold()
                let client = try server.connect()
                try await client.send(attach)
                await server.service.waitForCalls(1)
                try await client.close()
                await server.service.waitForWithdrawals(1)
            }
        }

        @Test func `a client that only stops sending gets its answer`() async throws {
            try await withServer { server in
                await server.service.hold()
                let client = try server.connect()
                try await client.send(attach)
                try await client.shutdownWrite()
                await server.service.waitForCalls(1)
                // Whatever the server makes of the half-close, it has made it when it answers another connection on the
                // same loops.
                for _ in 0..<8 { #expect(try await server.ask("GET", "/healthz").status == 200) }
                await server.service.release()
                #expect(try await client.receive()?.status == 201)
                #expect(try await client.isAtEnd())
                #expect(await server.service.withdrawn == 0)
            }
        }

        @Test func `a client that stops sending and then hangs up withdraws its attach`() async throws {
            try await withServer { server in
                await server.service.hold()
                let client = try server.connect()
                try await client.send(attach)
                try await client.shutdownWrite()
                await server.service.waitForCalls(1)
                try await client.close()
                await server.service.waitForWithdrawals(1)
            }
        }

        @Test func `a client that stops sending within its request is told so`() async throws {
            try await withServer { server in
                let client = try server.connect()
                try await client.send(String(attach.dropLast(3)))
                try await client.shutdownWrite()
                let response = try #require(try await client.receive())
                #expect(response.status == 400)
                #expect(response.problem?.detail.contains("before it was complete") == true)
                #expect(try await client.isAtEnd())
                #expect(await server.service.calls.isEmpty)
            }
        }

        @Test func `a hang-up touches no other connection`() async throws {
            try await withServer { server in
                await server.service.hold()
                let (stays, goes) = (try server.connect(), try server.connect())
                try await stays.send(attach)
                await server.service.waitForCalls(1)
                try await goes.send(attach)
                await server.service.waitForCalls(2)
                try await goes.close()
                await server.service.waitForWithdrawals(1)
                await server.service.release()
                #expect(try await stays.receive()?.status == 201)
                #expect(await server.service.withdrawn == 1)
            }
        }
    }
}
