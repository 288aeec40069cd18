// SPDX-License-Identifier: Apache-2.0

import Glibc
import HoldfastAPI
import Logging
import MountModel
import Testing

@testable import HoldfastServer

extension HTTPServerTests {
    @Suite struct RouteTests {
        private let root = Caller(pid: getpid(), uid: 0, gid: getgid())

        @Test func `an attach is answered with 201 where it made the attachment and with 200 where it was there`()
            async throws
        {
            try await withServer { server in
                let request = String(decoding: try APIJSON.encode(Samples.attachRequest), as: UTF8.self)
                let created = try await server.ask(
                    "POST", "/v1/attachments", fields: "content-type: application/json\r\n", body: request)
                #expect(created.status == 201)
                #expect(created.fields["content-type"] == "application/json")
                let answer = try APIJSON.decodeResponse(AttachResponse.self, from: created.body)
                #expect(answer == Samples.attachResponse)
                await server.service.setCreated(false)
                #expect(try await server.ask("POST", "/v1/attachments", body: request).status == 200)
                #expect(
                    await server.service.calls == [
                        .attach(Samples.attachRequest, root), .attach(Samples.attachRequest, root),
                    ])
            }
        }

        @Test func `a plan takes what an attach takes and is answered with 200 whatever it says`() async throws {
            try await withServer { server in
                let request = String(decoding: try APIJSON.encode(Samples.attachRequest), as: UTF8.self)
                let response = try await server.ask("POST", "/v1/plan", body: request)
                #expect(response.status == 200)
                #expect(try APIJSON.decodeResponse(PlanResponse.self, from: response.body) == Samples.planResponse)
                #expect(await server.service.calls == [.plan(Samples.attachRequest, root)])
                let bad = try await server.ask("POST", "/v1/plan", body: #"{"source":"s","consumer":"c","dry":true}"#)
                #expect(bad.status == 400 && bad.problem?.detail == "unknown field 'dry'")
            }
        }

        @Test func `what is read is passed on as the service gives it`() async throws {
            try await withServer { server in
                func get<Value: Decodable & Equatable>(_ path: String, _ expected: Value) async throws {
                    let response = try await server.ask("GET", path)
                    #expect(response.status == 200)
                    #expect(try APIJSON.decodeResponse(Value.self, from: response.body) == expected)
                    #expect(response.fields["x-request-id"]?.isEmpty == false)
                }
                try await get("/v1/attachments", Samples.attachmentList)
                try await get("/v1/attachments/a-1", Samples.attachResponse)
                try await get("/v1/mounts", Samples.mountList)
                try await get("/v1/mounts/m%2D1", Samples.mountDetail)
                try await get("/v1/status", Samples.statusResponse)
                try await get("/v1/doctor", Samples.doctorResponse)
                #expect(
                    await server.service.calls == [
                        .attachments, .attachment("a-1"), .mounts, .mount("m-1"), .status, .doctor,
                    ])
            }
        }

        @Test func `a detach takes an id or a selector, and a time`() async throws {
            try await withServer { server in
                let paths = [
                    "/v1/attachments/a-1", "/v1/attachments/a-1?timeout_seconds=2.5",
                    "/v1/attachments?source=%2Fdev%2Fa%20b%2B%C3%A4&consumer=c",
                    "/v1/attachments?source=s&consumer=c&volume=v&type=t&at=%2Fm&timeout_seconds=86400",
                ]
                for path in paths {
                    let response = try await server.ask("DELETE", path)
                    #expect(response.status == 200)
                    #expect(
                        try APIJSON.decodeResponse(DetachResponse.self, from: response.body) == Samples.detachResponse)
                }
                #expect(
                    await server.service.calls == [
                        .detachByID("a-1", timeout: nil, root), .detachByID("a-1", timeout: 2.5, root),
                        .detach(DetachSelector(source: "/dev/a b+ä", consumer: "c"), timeout: nil, root),
                        .detach(
                            DetachSelector(source: "s", consumer: "c", volume: "v", type: "t", at: "/m"),
                            timeout: 86_400,
                            root),
                    ])
            }
        }

        @Test(arguments: [nil, "", "{}", " {\n} "])
        func `verify takes no body or an empty object`(body: String?) async throws {
            try await withServer { server in
                let response = try await server.ask("POST", "/v1/verify", body: body)
                #expect(response.status == 200)
                #expect(try APIJSON.decodeResponse(VerifyResponse.self, from: response.body) == Samples.verifyResponse)
                #expect(
                    try await server.ask("POST", "/v1/verify", body: #"{"a":1}"#).problem?.code == "invalid_argument")
            }
        }

        @Test func `health and readiness are told apart`() async throws {
            try await withServer { server in
                await server.service.setUnready(MountError(.unavailable, "read-only: the disk", hint: "look"))
                await server.service.fail(with: MountError(.internal, "broken"))
                #expect(try await server.ask("GET", "/healthz").text == #"{"status":"ok"}"#)
                let response = try await server.ask("GET", "/readyz")
                #expect(response.status == 503)
                #expect(response.problem?.code == "unavailable")
                #expect(response.problem?.detail == "read-only: the disk")
                #expect(response.problem?.hint == "look")
                await server.service.setUnready(nil)
                #expect(try await server.ask("GET", "/readyz").text == #"{"status":"ready"}"#)
            }
        }

        @Test func `the description is served as it is in the sources`() async throws {
            try await withServer { server in
                let response = try await server.ask("GET", "/v1/openapi.yaml")
                #expect(response.status == 200)
                #expect(response.fields["content-type"] == "application/yaml")
                #expect(response.body == PackageResources.openapi_yaml)
            }
        }

        @Test func `a HEAD is its GET without the body`() async throws {
            try await withServer { server in
                let client = try server.connect()
                let whole = try await client.ask("GET", "/v1/status")
                let head = try await client.ask("HEAD", "/v1/status")
                #expect(head.status == 200)
                #expect(head.fields["content-length"] == whole.fields["content-length"])
                #expect(try await client.ask("GET", "/healthz").text == #"{"status":"ok"}"#)
            }
        }

        @Test(arguments: MountError.Code.allCases)
        func `an error of the service is a problem document`(code: MountError.Code) async throws {
            try await withServer { server in
                var error = Samples.error
                error.code = code
                await server.service.fail(with: error)
                for (method, path) in [("GET", "/v1/mounts"), ("DELETE", "/v1/attachments/a")] {
                    let response = try await server.ask(method, path)
                    #expect(response.status == code.httpStatus)
                    #expect(response.problem?.code == code.rawValue)
                    if code != .internal { #expect(response.problem == Problem(error)) }
                }
            }
        }

        @Test func `an internal error is logged and not told`() async throws {
            try await withServer { server in
                await server.service.fail(
                    with: MountError(
                        .internal, "the secret place",
                        context: .init(target: "/secret", systemCall: "secretcall", errno: 5),
                        hint: "secret hint"))
                let response = try await server.ask("GET", "/v1/mounts")
                #expect(response.status == 500)
                #expect(!response.text.contains("secret"))
                let id = try #require(response.fields["x-request-id"])
                #expect(response.problem?.hint?.contains(id) == true)
                let line = try #require(server.log.lines.first { $0.level == .error })
                #expect(line.metadata["detail"] == "the secret place")
                #expect(line.metadata["request"] == id)
            }
        }

        @Test func `each request is one line at debug`() async throws {
            try await withServer { server in
                let response = try await server.ask("GET", "/v1/nowhere?token=x")
                let lines = server.log.lines.filter { $0.message == "request" }
                #expect(lines.count == 1)
                let line = try #require(lines.first)
                #expect(line.level == .debug)
                #expect(line.metadata["method"] == "GET")
                #expect(line.metadata["path"] == "/v1/nowhere")
                #expect(line.metadata["status"] == "404")
                #expect(line.metadata["uid"] == "0")
                #expect(line.metadata["duration"]?.hasSuffix("seconds") == true)
                #expect(line.metadata["request"] == response.fields["x-request-id"])
            }
        }

        @Test func `sixty-four connections are served at once`() async throws {
            try await withServer { server in
                await server.service.hold()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<64 {
                        group.addTask {
                            let response = try await server.ask(
                                "POST", "/v1/attachments", body: #"{"source":"s","consumer":"c\#(number)"}"#)
                            #expect(response.status == 201)
                            let answer = try APIJSON.decodeResponse(AttachResponse.self, from: response.body)
                            #expect(answer.attachment.consumer == "c\(number)")
                        }
                    }
                    await server.service.waitForCalls(64)
                    await server.service.release()
                    try await group.waitForAll()
                }
            }
        }
    }
}
