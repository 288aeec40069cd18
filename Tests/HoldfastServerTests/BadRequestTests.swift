// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel
import Testing

extension HTTPServerTests {
    /// What is wrong in a request is said in a problem document, and the service is not called.
    @Suite struct BadRequestTests {
        private func expect(
            _ status: Int, _ code: MountError.Code, saying words: String, from method: String, _ target: String,
            fields: String = "", body: String? = nil, _ location: SourceLocation = #_sourceLocation
        ) async throws {
            try await withServer { server in
                let response = try await server.ask(method, target, fields: fields, body: body)
                #expect(response.status == status, sourceLocation: location)
                #expect(response.problem?.status == status, sourceLocation: location)
                #expect(response.problem?.code == code.rawValue, sourceLocation: location)
                #expect(response.problem?.type == "urn:holdfast:problem:\(code.rawValue)", sourceLocation: location)
                let text = "\(response.problem?.detail ?? "") \(response.problem?.hint ?? "")"
                #expect(text.contains(words), "\(text)", sourceLocation: location)
                #expect(await server.service.calls.isEmpty, sourceLocation: location)
            }
        }

        @Test(arguments: [
            "/", "/v1", "/v1/", "/v2/status", "//v1/status", "/v1/status/", "/v1/mounts/", "/v1/mounts/a/b",
            "/V1/status",
            "/v1/../v1/status", "/v1/%73tatus", "*",
        ])
        func `an unknown path is not found`(path: String) async throws {
            try await expect(404, .notFound, saying: "nothing at", from: "GET", path)
        }

        @Test(arguments: [
            ("PUT", "/v1/attachments", "DELETE, GET, HEAD, POST"), ("GET", "/v1/verify", "POST"),
            ("POST", "/v1/attachments/a", "DELETE, GET, HEAD"), ("DELETE", "/v1/mounts", "GET, HEAD"),
            ("OPTIONS", "/healthz", "GET, HEAD"), ("HEAD", "/v1/verify", "POST"),
        ])
        func `a wrong method is told the right ones`(method: String, path: String, allowed: String) async throws {
            try await withServer { server in
                let response = try await server.ask(method, path)
                #expect(response.status == 405)
                #expect(response.fields["allow"] == allowed)
                if method != "HEAD" { #expect(response.problem?.code == "unsupported") }
            }
        }

        @Test(arguments: [
            ("GET", "/v1/mounts?verbose=1", "'verbose'"), ("GET", "/v1/status?a", "'a'"),
            ("DELETE", "/v1/attachments/a?timeout=3", "'timeout'"),
            ("DELETE", "/v1/attachments?source=s&consumer=c&force=1", "'force'"),
            ("DELETE", "/v1/attachments?source=s&consumer=c&so%75rce=t", "'source' is given twice"),
            ("DELETE", "/v1/attachments?consumer=c", "'source' is missing"),
            ("DELETE", "/v1/attachments?source=s", "'consumer' is missing"),
            ("DELETE", "/v1/attachments?source&consumer=c", "'source' has no value"),
            ("DELETE", "/v1/attachments?source=a+b&consumer=c", "bare '+'"),
            ("DELETE", "/v1/attachments?source=%&consumer=c", "'%' without two"),
            ("DELETE", "/v1/attachments?source=%f&consumer=c", "'%' without two"),
            ("DELETE", "/v1/attachments?source=%ff&consumer=c", "not valid UTF-8"),
            ("DELETE", "/v1/attachments/a?timeout_seconds=0", "0.001 to 86400"),
            ("DELETE", "/v1/attachments/a?timeout_seconds=86401", "0.001 to 86400"),
            ("DELETE", "/v1/attachments/a?timeout_seconds=nan", "0.001 to 86400"),
            ("DELETE", "/v1/attachments/a?timeout_seconds=-1", "0.001 to 86400"),
            ("DELETE", "/v1/attachments/a?timeout_seconds=1e2", "0.001 to 86400"),
            ("DELETE", "/v1/attachments/a?timeout_seconds=0x1p4", "0.001 to 86400"),
            ("GET", "/v1/mounts/a%00b", "U+0000"), ("GET", "/v1/mounts/a%0Ab", "U+000A"),
            ("GET", "/v1/mounts/%C3%28", "not valid UTF-8"),
            ("GET", "/v1/mounts/" + String(repeating: "x", count: 256), "256 bytes long"),
        ])
        func `a wrong query or id is named`(method: String, target: String, words: String) async throws {
            try await expect(400, .invalidArgument, saying: words, from: method, target)
        }

        @Test(arguments: [
            ("", "empty"), ("{", "line 1"), ("[]", "object"), ("null", "object"),
            (#"{"source":"s","consumer":"c","sauce":1}"#, "'sauce'"),
            (#"{"source":"s","consumer":"c","consumer":"d"}"#, "twice"), (#"{"source":"s"}"#, "'consumer' is missing"),
            (#"{"source":1,"consumer":"c"}"#, "'source' must be a string"),
            (#"{"source":"s","consumer":"c","options":"ro"}"#, "'options'"),
            (#"{"source":"s","consumer":"c"} x"#, "nothing may follow"),
            (#"{"source":"s","consumer":"c","options":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["#, "nested"),
            ("{\"source\":\"a\0b\",\"consumer\":\"c\"}", "control character"),
        ])
        func `a wrong body is explained`(body: String, words: String) async throws {
            try await expect(400, .invalidArgument, saying: words, from: "POST", "/v1/attachments", body: body)
        }

        @Test func `a body that is not UTF-8 is refused`() async throws {
            try await withServer { server in
                let client = try server.connect()
                let body = Array(#"{"source":""#.utf8) + [0xC3, 0x28] + Array(#"","consumer":"c"}"#.utf8)
                try await client.send(
                    Array("POST /v1/attachments HTTP/1.1\r\nhost: h\r\ncontent-length: \(body.count)\r\n\r\n".utf8)
                        + body)
                let response = try #require(try await client.receive())
                #expect(response.status == 400)
                #expect(response.problem?.detail.contains("UTF-8") == true)
                #expect(await server.service.calls.isEmpty)
            }
        }

        @Test(arguments: [
            "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonx",
            "application/json; boundary=x", "", "multipart/form-data; boundary=a",
        ])
        func `another content type is refused`(type: String) async throws {
            try await expect(
                415, .invalidArgument, saying: "content type", from: "POST", "/v1/attachments",
                fields: "content-type: \(type)\r\n", body: #"{"source":"s","consumer":"c"}"#)
        }

        @Test(arguments: [
            "application/json", "Application/JSON", "application/json;charset=utf-8",
            "application/json; charset=\"UTF-8\"",
        ])
        func `JSON's content type is taken however it is written`(type: String) async throws {
            try await withServer { server in
                let response = try await server.ask(
                    "POST", "/v1/attachments", fields: "content-type: \(type)\r\n",
                    body: #"{"source":"s","consumer":"c"}"#)
                #expect(response.status == 201)
            }
        }

        @Test func `a body where none belongs is refused`() async throws {
            try await expect(400, .invalidArgument, saying: "takes no body", from: "GET", "/v1/mounts", body: "{}")
            try await expect(
                400, .invalidArgument, saying: "takes no body", from: "DELETE", "/v1/attachments/a", body: "{}")
        }

        @Test(arguments: [
            "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "FROB /healthz HTTP/1.1\r\nhost: h\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nhost: h\r\nbad header\r\n\r\n",
            "POST /v1/verify HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n",
            "POST /v1/verify HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "POST /v1/verify HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
            "POST /v1/verify HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "GET v1/status HTTP/1.1\r\nhost: h\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}",
        ])
        func `what is not HTTP is answered with a problem and the connection ends`(bytes: String) async throws {
            try await withServer { server in
                let client = try server.connect()
                try await client.send(bytes)
                let response = try #require(try await client.receive())
                #expect(response.status == 400)
                #expect(response.problem?.code == "invalid_argument")
                #expect(response.fields["connection"] == "close")
                #expect(try await client.isAtEnd())
                #expect(await server.service.calls.isEmpty)
            }
        }
    }
}
