// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HoldfastAPI
import HummingbirdCore
import MountModel
import NIOCore

/// One operation of the API: where it is, what it takes, what it does.
struct Route: Sendable {
    /// A request as a route sees it.
    struct Input: Sendable {
        /// What stands for `{id}` in the path.
        var id = ""
        var query: QueryParameters
        var body: ByteBuffer
        var caller: Caller
        /// What the server has answered so far.
        var tally: RequestTally
    }

    typealias Handler = @Sendable (Input, any MountService) async throws(Refusal) -> Response

    let method: HTTPRequest.Method
    /// The path as OpenAPI writes it.
    let path: String
    /// The query parameters that it knows.
    var query: [String] = []
    /// Whether it takes a body.
    var takesBody = false
    let handler: Handler

    /// The part of the path that stands for `{id}`, empty where there is none; nil if the path is another one.
    func match(_ segments: [Substring]) -> Substring? {
        let pattern = path.split(separator: "/", omittingEmptySubsequences: false)
        guard pattern.count == segments.count else { return nil }
        var id: Substring = ""
        for (expected, segment) in zip(pattern, segments) {
            if expected == "{id}", !segment.isEmpty { id = segment } else if expected != segment { return nil }
        }
        return id
    }
}

extension Route {
    /// Every route of the server; `openapi.yaml` lists the same ones.
    static let all: [Route] = attachments + mounts + daemon

    private static let attachments = [
        Route(method: .post, path: "/v1/attachments", takesBody: true) { input, service throws(Refusal) in
            let answer = try await ask { () throws(MountError) in
                let request = try APIJSON.decodeRequest(AttachRequest.self, from: input.body.readableBytesView)
                return try await service.attach(request, caller: input.caller)
            }
            return try .json(answer, status: answer.created ? .created : .ok)
        },
        Route(method: .post, path: "/v1/plan", takesBody: true) { input, service throws(Refusal) in
            try .json(
                await ask { () throws(MountError) in
                    let request = try APIJSON.decodeRequest(AttachRequest.self, from: input.body.readableBytesView)
                    return try await service.plan(request, caller: input.caller)
                })
        },
        Route(method: .get, path: "/v1/attachments") { _, service throws(Refusal) in
            try .json(await ask { () throws(MountError) in try await service.attachments() })
        },
        Route(
            method: .delete, path: "/v1/attachments",
            query: ["source", "consumer", "volume", "type", "at", "timeout_seconds"]
        ) { input, service throws(Refusal) in
            try .json(
                await ask { () throws(MountError) in
                    let selector = DetachSelector(
                        source: try input.query.required("source"), consumer: try input.query.required("consumer"),
                        volume: input.query["volume"], type: input.query["type"], at: input.query["at"])
                    return try await service.detach(
                        selector, timeoutSeconds: try input.query.seconds("timeout_seconds"), caller: input.caller)
                })
        },
        Route(method: .get, path: "/v1/attachments/{id}") { input, service throws(Refusal) in
            try .json(await ask { () throws(MountError) in try await service.attachment(id: input.id) })
        },
        Route(method: .delete, path: "/v1/attachments/{id}", query: ["timeout_seconds"]) {
            input, service throws(Refusal) in
            try .json(
                await ask { () throws(MountError) in
                    try await service.detach(
                        id: input.id, timeoutSeconds: try input.query.seconds("timeout_seconds"), caller: input.caller)
                })
        },
    ]

    private static let mounts = [
        Route(method: .get, path: "/v1/mounts") { _, service throws(Refusal) in
            try .json(await ask { () throws(MountError) in try await service.mounts() })
        },
        Route(method: .get, path: "/v1/mounts/{id}") { input, service throws(Refusal) in
            try .json(await ask { () throws(MountError) in try await service.mount(id: input.id) })
        },
        Route(method: .post, path: "/v1/verify", takesBody: true) { input, service throws(Refusal) in
            let text = input.body.readableBytesView.filter { !" \t\r\n".utf8.contains($0) }
            guard text.isEmpty || text.elementsEqual("{}".utf8) else {
                throw Refusal(.invalidArgument("the body must be empty or {}"))
            }
            return try .json(await ask { () throws(MountError) in try await service.verify() })
        },
    ]

    private static let daemon = [
        Route(method: .get, path: "/v1/status") { _, service throws(Refusal) in
            try .json(await ask { () throws(MountError) in try await service.status() })
        },
        Route(method: .get, path: "/v1/doctor") { _, service throws(Refusal) in
            try .json(await ask { () throws(MountError) in try await service.doctor() })
        },
        Route(method: .get, path: "/metrics") { input, service throws(Refusal) in
            let status = try await ask { () throws(MountError) in try await service.status() }
            return Response(
                status: .ok, headers: [.contentType: MetricsText.contentType],
                body: .init(byteBuffer: ByteBuffer(string: MetricsText(status, input.tally.now).text)))
        },
        Route(method: .get, path: "/v1/openapi.yaml") { _, _ throws(Refusal) in
            Response(
                status: .ok, headers: [.contentType: "application/yaml"],
                body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_yaml)))
        },
        Route(method: .get, path: "/healthz") { _, _ throws(Refusal) in try .json(["status": "ok"]) },
        Route(method: .get, path: "/readyz") { _, service throws(Refusal) in
            try await ask { () throws(MountError) in try await service.checkReadiness() }
            return try .json(["status": "ready"])
        },
    ]

    private static func ask<Answer>(_ question: () async throws(MountError) -> Answer) async throws(Refusal) -> Answer {
        do throws(MountError) { return try await question() } catch { throw Refusal(error) }
    }
}

extension Response {
    /// A value of the API as JSON.
    fileprivate static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws(Refusal) -> Response
    {
        do throws(MountError) {
            return Response(
                status: status, headers: [.contentType: "application/json"],
                body: .init(byteBuffer: ByteBuffer(bytes: try APIJSON.encode(value))))
        } catch {
            throw Refusal(error)
        }
    }
}
