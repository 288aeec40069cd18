// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import HoldfastServer
import Testing

extension HTTPServerTests {
    /// Who stays where more are connected than there is room for.
    @Suite struct CrowdTests {
        /// Connections with an attach each, none of which is answered before the service is released.
        private func occupy(_ count: Int, of server: ServerFixture) async throws -> [RawClient] {
            await server.service.hold()
            let clients = try (0..<count).map { _ in try server.connect() }
            for client in clients { try await client.send(attach) }
            await server.service.waitForCalls(count)
            return clients
        }

        /// Lets the service answer, and expects that each is attached.
        private func release(_ clients: [RawClient], of server: ServerFixture) async throws {
            await server.service.release()
            for client in clients { #expect(try await client.receive()?.status == 201) }
        }

        private var attach: String {
            let body = #"{"source":"s","consumer":"c"}"#
            return "POST /v1/attachments HTTP/1.1\r\nhost: h\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        }

        /// A client whose answer is more than the kernel takes, and has begun to arrive.
        private func read(from server: ServerFixture) async throws -> RawClient {
            await server.service.setMountCount(20_000)
            let client = try server.connect()
            try await client.send("GET /v1/mounts HTTP/1.1\r\nhost: h\r\n\r\n")
            try await client.waitForBeginning()
            return client
        }

        private func mountCount(of response: RawClient.Response?) throws -> Int {
            try APIJSON.decodeResponse(MountList.self, from: try #require(response).body).mounts.count
        }

        @Test func `one connection too many is told so, where all wait for answers`() async throws {
            var limits = ServerLimits()
            limits.connections = 3
            try await withServer(limits: limits) { server in
                let clients = try await occupy(3, of: server)
                for _ in 0..<2 {
                    let extra = try server.connect()
                    let response = try #require(try await extra.receive())
                    #expect(response.status == 503)
                    #expect(response.problem?.code == "unavailable")
                    #expect(try await extra.isAtEnd())
                }
                #expect(server.log.lines.count { $0.message == "too many connections" } == 1)
                try await release(clients, of: server)
                // Nothing is owed to any of them now.
                #expect(try await server.ask("GET", "/healthz").status == 200)
            }
        }

        @Test(arguments: ["", "G"])
        func `a newcomer gets in, and who does nothing goes, the oldest first`(_ sent: String) async throws {
            var limits = ServerLimits()
            limits.connections = 20
            try await withServer(limits: limits) { server in
                var idle: [RawClient] = []
                for _ in 0..<60 {
                    let client = try server.connect()
                    if !sent.isEmpty { try await client.send(sent) }
                    idle.append(client)
                }
                #expect(try await server.ask("GET", "/v1/mounts").status == 200)
                let body = #"{"source":"s","consumer":"c"}"#
                #expect(try await server.ask("POST", "/v1/attachments", body: body).status == 201)
                let first = try await idle[0].receive()
                // Who has begun to ask is told, if that was read before he had to go.
                #expect(sent.isEmpty ? first == nil : [nil, 503].contains(first?.status))
                #expect(server.log.lines.count { $0.message.contains("nearly all connections are in use") } == 1)
                // Who came last is still there.
                try await idle[59].send("GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n".dropFirst(sent.count).description)
                #expect(try await idle[59].receive()?.status == 200)
            }
        }

        @Test func `who was told to go is gone, however long a closing connection may linger`() async throws {
            var limits = ServerLimits()
            limits.connections = 20
            limits.lingerTimeout = .seconds(3_600)
            try await withServer(limits: limits) { server in
                let before = try openDescriptors().count
                for _ in 0..<60 { try await server.connect().send("G") }
                #expect(try await server.ask("GET", "/healthz").status == 200)
                // Both ends are this process's.
                while try openDescriptors().count > before + 60 + limits.connections {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }

        @Test func `who reads a large answer stays, however many come who have nothing to do`() async throws {
            var limits = ServerLimits()
            limits.connections = 8
            try await withServer(limits: limits) { server in
                let reader = try await read(from: server)
                for _ in 0..<20 { #expect(try await server.connect().ask("GET", "/healthz").status == 200) }
                #expect(try await mountCount(of: reader.receive()) == 20_000)
            }
        }

        @Test func `where all places are taken by readers, one of them makes room`() async throws {
            var limits = ServerLimits()
            limits.connections = 4
            try await withServer(limits: limits) { server in
                var readers: [RawClient] = []
                for _ in 0..<4 { readers.append(try await read(from: server)) }
                // Until the server has written the last byte, an answer is owed.
                while (try? await server.ask("GET", "/healthz"))?.status != 200 {
                    try Task.checkCancellation()
                }
                var cutOff = 0
                for reader in readers {
                    guard let response = try await reader.receive() else {
                        cutOff += 1
                        continue
                    }
                    #expect(try mountCount(of: response) == 20_000)
                }
                #expect(cutOff == 1)
            }
        }

        @Test func `where nearly all wait for answers, an attach is refused and a look is not`() async throws {
            var limits = ServerLimits()
            limits.connections = 8
            try await withServer(limits: limits) { server in
                let waiting = try await occupy(6, of: server)
                let body = #"{"source":"s","consumer":"c"}"#
                let refused = try await server.ask("POST", "/v1/attachments", body: body)
                #expect(refused.status == 503)
                #expect(refused.problem?.code == "unavailable")
                #expect(try await server.ask("GET", "/healthz").status == 200)
                try await release(waiting, of: server)
                #expect(try await server.ask("POST", "/v1/attachments", body: body).status == 201)
            }
        }

        @Test func `where all were answered and stay connected, an attach is taken`() async throws {
            var limits = ServerLimits()
            limits.connections = 8
            try await withServer(limits: limits) { server in
                let waiting = try await occupy(6, of: server)
                let looking = try server.connect()
                #expect(try await looking.ask("GET", "/v1/mounts").status == 200)
                try await release(waiting, of: server)
                try await waiting[0].send(attach)
                #expect(try await waiting[0].receive()?.status == 201)
            }
        }
    }
}
