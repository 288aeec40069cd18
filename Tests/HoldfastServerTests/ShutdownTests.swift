// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import HoldfastAPI
import HoldfastServer
import MountModel
import MountTestSupport
import ServiceLifecycle
import SystemPackage
import Testing

extension HTTPServerTests {
    /// How a server ends.
    @Suite struct ShutdownTests {
        private let attach =
            "POST /v1/attachments HTTP/1.1\r\nhost: h\r\ncontent-length: 29\r\n\r\n"
            + "{\"source\":\"s\",\"consumer\":\"c\"}"

        @Test func `requests in flight are finished and new connections refused`() async throws {
            try await withServer { server in
                await server.service.hold()
                let (busy, idle, partial) = (try server.connect(), try server.connect(), try server.connect())
                #expect(try await idle.ask("GET", "/healthz").status == 200)
                try await busy.send(attach)
                await server.service.waitForCalls(1)
                try await partial.send(String(attach.prefix(40)))
                // The answer on another connection does not prove that the bytes of this one were read; 100 Continue
                // does.
                let waiting = try server.connect()
                try await waiting.send(
                    "POST /v1/verify HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n")
                #expect(try await waiting.receive()?.status == 100)

                await server.shutDown()
                #expect(try await idle.isAtEnd())
                #expect(throws: RawClient.Failure.self) { try server.connect() }
                while access(server.socket.string, F_OK) == 0 {
                    try Task.checkCancellation()
                    await Task.yield()
                }

                try await waiting.send("{}")
                let late = try #require(try await waiting.receive())
                #expect(late.status == 200)
                #expect(late.fields["connection"] == "close")
                #expect(try await waiting.isAtEnd())

                await server.service.release()
                let response = try #require(try await busy.receive())
                #expect(response.status == 201)
                #expect(response.fields["connection"] == "close")
                #expect(try await busy.isAtEnd())
            }
        }

        @Test func `requests that outlast the deadline are withdrawn`() async throws {
            var limits = ServerLimits()
            limits.drainTimeout = .milliseconds(50)
            try await withServer(limits: limits) { server in
                await server.service.hold()
                let client = try server.connect()
                try await client.send(attach)
                await server.service.waitForCalls(1)
                await server.shutDown()
                await server.service.waitForWithdrawals(1)
                #expect(try await client.isAtEnd())
            }
        }

        @Test func `a folder whose filesystem hangs does not keep a server from ending`() async throws {
            try PrivateNamespace.require()
            let folder = try TemporaryFolder()
            let place = folder.path.appending("run")
            try #require(mkdir(place.string, 0o700) == 0)
            let path = place.appending("s")
            let (listening, announce) = AsyncStream<Never>.makeStream()
            let log = LogRecorder()
            let server = HTTPServer(
                service: ScriptedMountService(), socketPath: path, logger: log.logger,
                onListening: { announce.finish() })
            let group = ServiceGroup(configuration: .init(services: [server], logger: log.logger))
            let task = Task {
                defer { announce.finish() }
                try await group.run()
            }
            for await _ in listening {}
            let client = try RawClient(path)
            let silent = try SilentFilesystem()
            try silent.mount(on: place)
            // From one look on, which hangs.
            try await log.waitForLooks(1)
            // Or it would never end.
            DispatchQueue.global().asyncAfter(deadline: .now() + 20) {
                umount2(place.string, CInt(MNT_FORCE) | CInt(MNT_DETACH))
            }
            let begin = ContinuousClock.now
            await group.triggerGracefulShutdown()
            let failure = await #expect(throws: MountError.self) { try await task.value }
            #expect(ContinuousClock.now - begin < .seconds(10))
            #expect(failure?.message.contains("\(path)") == true)
            #expect(try await client.isAtEnd())
            try await client.close()
            _ = consume silent
            #expect(umount2(place.string, CInt(MNT_DETACH)) == 0)
            // The removal that was not waited for may have come before this one.
            unlink(path.string)
            #expect(rmdir(place.string) == 0)
            try folder.remove()
        }

        @Test func `a cancelled server ends at once`() async throws {
            let folder = try TemporaryFolder()
            let path = folder.path.appending("s")
            let (listening, announce) = AsyncStream<Never>.makeStream()
            let service = ScriptedMountService()
            await service.hold()
            let server = HTTPServer(
                service: service, socketPath: path, logger: LogRecorder().logger, onListening: { announce.finish() })
            let task = Task {
                defer { announce.finish() }
                try await server.run()
            }
            for await _ in listening {}
            let client = try RawClient(path)
            try await client.send(attach)
            await service.waitForCalls(1)
            task.cancel()
            try await task.value
            await service.waitForWithdrawals(1)
            #expect(try await client.isAtEnd())
            try await client.close()
            try folder.remove()
        }
    }
}
