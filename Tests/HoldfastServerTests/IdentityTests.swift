// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HTTPTypes
import HoldfastAPI
import SystemPackage
import Testing

@testable import HoldfastServer

extension HTTPServerTests {
    /// The caller is who the kernel says: asked by processes of another user, not by a stand-in.
    @Suite struct IdentityTests {
        /// Foundation opens a pair of sockets for the first process and keeps it: let that be before the count.
        init() async throws { _ = try await curlAsNobody("/nowhere", ["--version"]) }

        /// Runs curl as uid 65534 and returns its exit status and what it wrote.
        private func curlAsNobody(_ socket: FilePath, _ arguments: [String]) async throws -> (
            status: Int32, text: String
        ) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments =
                ["--reuid=65534", "--regid=65534", "--clear-groups", "curl", "-s", "--unix-socket", socket.string]
                + arguments
            let pipe = Pipe()
            process.standardOutput = pipe
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                process.terminationHandler = { _ in continuation.resume() }
                do { try process.run() } catch { continuation.resume(throwing: error) }
            }
            let text = try pipe.fileHandleForReading.readToEnd().map { String(decoding: $0, as: UTF8.self) } ?? ""
            try pipe.fileHandleForReading.close()
            return (process.terminationStatus, text)
        }

        private func openToAll(_ socket: FilePath) {
            chmod(socket.removingLastComponent().string, 0o755)
            chmod(socket.string, 0o666)
        }

        @Test func `another user cannot even connect`() async throws {
            try await withServer { server in
                chmod(server.socket.removingLastComponent().string, 0o755)
                let (status, _) = try await curlAsNobody(server.socket, ["http://h/healthz"])
                #expect(status == 7)  // curl: failed to connect
            }
        }

        @Test func `another user who reaches the socket is refused on every route`() async throws {
            try await withServer { server in
                openToAll(server.socket)
                for route in Route.all {
                    let path = route.path.replacingOccurrences(of: "{id}", with: "x")
                    let (_, text) = try await curlAsNobody(
                        server.socket, ["-X", route.method.rawValue, "-w", "\n%{http_code}", "http://h\(path)"])
                    #expect(text.hasSuffix("\n403"), "\(route.method) \(route.path)")
                    #expect(text.contains(#""code":"permission_denied""#))
                    #expect(text.contains("uid 65534"))
                }
                #expect(await server.service.calls.isEmpty)
            }
        }

        @Test func `nothing in a request changes who the caller is`() async throws {
            try await withServer { server in
                openToAll(server.socket)
                let claims = [
                    "X-Remote-User: root", "X-Forwarded-User: root", "X-Uid: 0", "Remote-User: 0",
                    "Forwarded: for=root",
                    "Authorization: Basic cm9vdDpyb290", "X-Real-Uid: 0", "Caller: 0",
                ]
                let (_, text) = try await curlAsNobody(
                    server.socket,
                    claims.flatMap { ["-H", $0] } + [
                        "-d", #"{"source":"s","consumer":"c","uid":0,"owner_uid":0}"#, "-w", "\n%{http_code}",
                        "http://root@h/v1/attachments",
                    ])
                #expect(text.hasSuffix("\n403"))
                #expect(await server.service.calls.isEmpty)
            }
        }

        @Test func `the service is told the caller's real ids`() async throws {
            try await withServer { server in
                let body = #"{"source":"s","consumer":"c"}"#
                let response = try await server.ask("POST", "/v1/attachments", fields: "x-uid: 5\r\n", body: body)
                #expect(response.status == 201)
                let caller = Caller(pid: getpid(), uid: getuid(), gid: getgid())
                #expect(
                    await server.service.calls == [.attach(AttachRequest(source: "s", consumer: "c"), caller)])
            }
        }
    }
}
