// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HoldfastAPI
import MountModel
import Testing
import Yams

@testable import HoldfastServer

/// `openapi.yaml` says what the server does, neither more nor less.
@Suite struct OpenAPITests {
    private typealias Object = [String: Node]
    private static let methods: Set<String> = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]

    private let document: Node

    init() throws {
        let text = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)
        document = try #require(try Yams.compose(yaml: text))
    }

    private func object(_ node: Node?) -> Object {
        var members: Object = [:]
        for (key, value) in node?.mapping ?? [:] { members[key.string ?? "?"] = value }
        return members
    }

    /// The node itself, or what its `$ref` points to.
    private func resolve(_ node: Node?) throws -> Node {
        let node = try #require(node)
        guard let reference = node["$ref"]?.string else { return node }
        try #require(reference.hasPrefix("#/"))
        var target = document
        for part in reference.dropFirst(2).split(separator: "/") {
            target = try #require(target[String(part)], "\(reference)")
        }
        return try resolve(target)
    }

    /// The properties and the required names of an object schema, `allOf` joined.
    private func members(of schema: Node?) throws -> (properties: Object, required: Set<String>) {
        let schema = try resolve(schema)
        var properties = object(schema["properties"])
        var required = Set(schema["required"]?.sequence?.compactMap(\.string) ?? [])
        for part in schema["allOf"]?.sequence ?? [] {
            let inner = try members(of: part)
            properties.merge(inner.properties) { first, _ in first }
            required.formUnion(inner.required)
        }
        return (properties, required)
    }

    private func schema(_ name: String) throws -> Node {
        try #require(document["components"]?["schemas"]?[name], "no schema \(name)")
    }

    /// A value of the API as JSON, read back without types: YAML is a superset of JSON.
    private func json(_ value: some Encodable) throws -> Node {
        try #require(try Yams.compose(yaml: String(decoding: try APIJSON.encode(value), as: UTF8.self)))
    }

    // MARK: The document and the server

    @Test func `it lists the server's routes and no others`() throws {
        var described: Set<String> = []
        for (path, item) in object(document["paths"]) {
            for method in object(item).keys where Self.methods.contains(method) {
                described.insert("\(method.uppercased()) \(path)")
            }
        }
        #expect(described == Set(Route.all.map { "\($0.method.rawValue) \($0.path)" }))
        #expect(described.count == Route.all.count)
        #expect(document["openapi"]?.string == "3.1.0")
    }

    @Test func `each route's parameters and body are described`() throws {
        for route in Route.all {
            let name = "\(route.method.rawValue) \(route.path)"
            let item = try #require(document["paths"]?[route.path], "\(name)")
            let operation = try #require(item[route.method.rawValue.lowercased()], "\(name)")
            let nodes =
                (item["parameters"]?.sequence.map(Array.init) ?? [])
                + (operation["parameters"]?.sequence.map(Array.init) ?? [])
            let parameters = try nodes.map { try resolve($0) }
            let query = parameters.filter { $0["in"]?.string == "query" }.compactMap { $0["name"]?.string }
            #expect(Set(query) == Set(route.query) && query.count == route.query.count, "\(name)")
            let inPath = parameters.filter { $0["in"]?.string == "path" }.compactMap { $0["name"]?.string }
            #expect(inPath == (route.path.contains("{id}") ? ["id"] : []), "\(name)")
            #expect((operation["requestBody"] != nil) == route.takesBody, "\(name)")
            #expect(operation["responses"]?["default"] != nil, "\(name) has no problem")
            #expect(operation["operationId"]?.string != nil && operation["summary"]?.string != nil, "\(name)")
        }
        let selector = try #require(document["paths"]?["/v1/attachments"]?["delete"]?["parameters"]?.sequence)
        let required = try selector.map { try resolve($0) }.filter { $0["required"]?.bool == true }
        #expect(required.compactMap { $0["name"]?.string } == ["source", "consumer"])
    }

    @Test func `each reference points to something and each component is used`() throws {
        var used: Set<String> = []
        func visit(_ node: Node) throws {
            if node["$ref"] != nil {
                used.insert(try #require(node["$ref"]?.string))
                _ = try resolve(node)
            }
            for child in node.sequence.map(Array.init) ?? [] { try visit(child) }
            for (_, child) in node.mapping ?? [:] { try visit(child) }
        }
        try visit(document)
        for (kind, entries) in object(document["components"]) {
            for name in object(entries).keys {
                #expect(used.contains("#/components/\(kind)/\(name)"), "\(kind) \(name)")
            }
        }
    }

    // MARK: The document and the types

    /// Checks a schema's names against a value with every member and the least one.
    private func check(
        _ name: String, all: some Encodable, least: some Encodable, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let (properties, required) = try members(of: try schema(name))
        #expect(Set(properties.keys) == Set(object(try json(all)).keys), "\(name)", sourceLocation: location)
        #expect(required == Set(object(try json(least)).keys), "\(name)", sourceLocation: location)
        for (value, what) in [(try json(all), "all"), (try json(least), "least")] {
            #expect(try mismatches(value, try schema(name), name) == [], "\(what)", sourceLocation: location)
        }
    }

    @Test func `each schema has the names and types that are on the wire`() throws {
        var mount = Samples.mount
        mount.kernelMountID = nil
        mount.problem = nil
        let leastProblem = Problem(MountError(.internal, "x"))
        let request = AttachRequest(source: "s", consumer: "c")
        try check("AttachRequest", all: Samples.attachRequest, least: request)
        try check("AttachResponse", all: Samples.attachResponse, least: Samples.attachResponse)
        var plan = Samples.planResponse
        (plan.mountpoint, plan.path, plan.server, plan.mount, plan.problem) = (nil, nil, nil, nil, nil)
        plan.build = PlanResponse.Build(method: "kernel")
        try check("PlanResponse", all: Samples.planResponse, least: plan)
        try check("PlanOptions", all: Samples.planOptions, least: Samples.planOptions)
        try check("PlanBuild", all: Samples.planBuild, least: plan.build)
        try check("AttachmentSummary", all: Samples.attachment, least: Samples.attachment)
        try check("AttachmentList", all: Samples.attachmentList, least: AttachmentList(attachments: []))
        try check(
            "DetachResponse", all: Samples.detachResponse, least: DetachResponse(detached: false, mountState: "absent"))
        try check("MountSummary", all: Samples.mount, least: mount)
        try check("MountDetail", all: Samples.mountDetail, least: MountDetail(mount: mount, attachments: []))
        try check("MountList", all: Samples.mountList, least: MountList(mounts: []))
        try check("VerifyResponse", all: Samples.verifyResponse, least: VerifyResponse(mounts: []))
        try check("VerifyEntry", all: Samples.verifyEntry, least: Samples.verifyEntry)
        var status = Samples.statusResponse
        status.readOnly = nil
        status.workers = nil
        status.ledger = nil
        try check("StatusResponse", all: Samples.statusResponse, least: status)
        try check("DoctorResponse", all: Samples.doctorResponse, least: DoctorResponse(findings: []))
        try check("DoctorEntry", all: Samples.finding, least: Samples.finding)
        try check("LimitUse", all: Samples.limitUse, least: Samples.limitUse)
        try check("Problem", all: Samples.problem, least: leastProblem)
        try check("Health", all: ["status": "ok"], least: ["status": "ready"])
        let known: Set = [
            "AttachRequest", "AttachResponse", "AttachmentSummary", "AttachmentList", "DetachResponse", "MountSummary",
            "MountDetail", "MountList", "VerifyResponse", "VerifyEntry", "StatusResponse", "LimitUse", "DoctorResponse",
            "DoctorEntry", "Problem", "Health", "PlanResponse", "PlanOptions", "PlanBuild",
        ]
        #expect(Set(object(document["components"]?["schemas"]).keys) == known)
        let names = try members(of: try schema("AttachRequest")).properties.keys
        #expect(Set(names) == Set(AttachRequest.CodingKeys.allCases.map(\.rawValue)))
        #expect(try schema("AttachRequest")["additionalProperties"]?.bool == false)
    }

    @Test func `every code and every status is listed`() throws {
        let problem = try schema("Problem")
        let codes = problem["properties"]?["code"]?["enum"]?.sequence?.compactMap(\.string)
        #expect(codes == MountError.Code.allCases.map(\.rawValue))
        let statuses = Set(problem["properties"]?["status"]?["enum"]?.sequence?.compactMap(\.int) ?? [])
        // Those of the codes, and HTTP's own: method, time, body, target, content type, head.
        #expect(statuses == Set(MountError.Code.allCases.map(\.httpStatus)).union([405, 408, 413, 414, 415, 431]))
    }

    @Test func `the examples are valid against their schemas`() throws {
        var count = 0
        func visit(_ node: Node, _ place: String) throws {
            if let examples = node["examples"], let schema = node["schema"] {
                for (name, example) in object(examples) {
                    let value = try #require(try resolve(example)["value"], "\(place) \(name)")
                    #expect(try mismatches(value, schema, "\(place) \(name)") == [])
                    count += 1
                }
            }
            for child in node.sequence.map(Array.init) ?? [] { try visit(child, place) }
            for (key, child) in node.mapping ?? [:] { try visit(child, "\(place)/\(key.string ?? "?")") }
        }
        try visit(document, "")
        #expect(count == 16)
        let request = document["paths"]?["/v1/attachments"]?["post"]?["requestBody"]?["content"]?["application/json"]
        #expect(
            try mismatches(["source": "s"], try #require(request?["schema"]), "") != [], "the check itself is blind")
    }

    /// What of a value does not fit a schema: the keywords that the document uses.
    private func mismatches(_ value: Node, _ schema: Node, _ place: String) throws -> [String] {
        let schema = try resolve(schema)
        var found: [String] = []
        for part in schema["allOf"]?.sequence.map(Array.init) ?? [] { found += try mismatches(value, part, place) }
        if let type = schema["type"]?.string {
            let fits =
                switch type {
                case "object": value.mapping != nil
                case "array": value.sequence != nil
                case "string": value.tag.description == "tag:yaml.org,2002:str"
                case "boolean": value.bool != nil
                case "integer": value.tag.description == "tag:yaml.org,2002:int"
                case "number": value.float != nil
                default: false
                }
            if !fits { found.append("\(place): not of type \(type)") }
        }
        if let choices = schema["enum"]?.sequence, !choices.contains(where: { $0.string == value.string }) {
            found.append("\(place): '\(value.string ?? "")' is none of the choices")
        }
        if let least = schema["minimum"]?.float, let number = value.float, number < least {
            found.append("\(place): too small")
        }
        if let most = schema["maximum"]?.float, let number = value.float, number > most {
            found.append("\(place): too large")
        }
        for (index, item) in (value.sequence.map(Array.init) ?? []).enumerated() {
            if let items = schema["items"] { found += try mismatches(item, items, "\(place)[\(index)]") }
        }
        guard value.mapping != nil else { return found }
        let (properties, members) = (object(schema["properties"]), object(value))
        for name in schema["required"]?.sequence?.compactMap(\.string) ?? [] where members[name] == nil {
            found.append("\(place): no \(name)")
        }
        for (name, member) in members {
            if let property = properties[name] {
                found += try mismatches(member, property, "\(place).\(name)")
            } else if schema["additionalProperties"]?.bool == false {
                found.append("\(place): unknown \(name)")
            } else if let other = schema["additionalProperties"], other.mapping != nil {
                found += try mismatches(member, other, "\(place).\(name)")
            }
        }
        return found
    }
}
