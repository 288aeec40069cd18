// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel
import Testing

@Suite("JSON: what is refused in a request")
struct StrictDecodingTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        var body: String
        var message: String
        var hint: String?
        var testDescription: String { body }
    }

    static let refusals: [Refusal] = [
        // Unknown members.
        .init(
            body: #"{"source":"/s","consumer":"c","volum":"v"}"#, message: "unknown field 'volum'",
            hint: "did you mean 'volume'?"),
        .init(
            body: #"{"source":"/s","consumer":"c","timeout":1}"#, message: "unknown field 'timeout'",
            hint: "the fields are source, consumer, volume, type, options, secrets, at, lease, timeout_seconds"),
        .init(
            body: #"{"Source":"/s","consumer":"c"}"#,
            message: "unknown field 'Source'", hint: "did you mean 'source'?"),
        .init(body: #"{"source":"/s","consumer":"c","\u001b[31m":1}"#, message: #"unknown field '\u{1b}[31m'"#),
        // Missing members.
        .init(body: #"{"consumer":"c"}"#, message: "field 'source' is missing"),
        .init(body: #"{"source":"/s"}"#, message: "field 'consumer' is missing"),
        .init(body: #"{"source":null,"consumer":"c"}"#, message: "field 'source' is null; it must be a string"),
        // Types.
        .init(body: #"{"source":1,"consumer":"c"}"#, message: "field 'source' must be a string"),
        .init(body: #"{"source":"/s","consumer":["c"]}"#, message: "field 'consumer' must be a string"),
        .init(body: #"{"source":"/s","consumer":"c","options":"ro"}"#, message: "field 'options' must be an array"),
        .init(
            body: #"{"source":"/s","consumer":"c","options":["ro",7]}"#,
            message: "field 'options[1]' must be a string"),
        .init(
            body: #"{"source":"/s","consumer":"c","options":[null]}"#,
            message: "field 'options[0]' is null; it must be a string"),
        .init(
            body: #"{"source":"/s","consumer":"c","timeout_seconds":"3"}"#,
            message: "field 'timeout_seconds' must be a number"),
        .init(
            body: #"{"source":"/s","consumer":"c","timeout_seconds":true}"#,
            message: "field 'timeout_seconds' must be a number"),
        .init(
            body: #"{"source":"/s","consumer":"c","timeout_seconds":1e999}"#,
            message: "cannot read the request's body: line 1, column 49: this number is out of range"),
        // Secrets, of which nothing is repeated.
        .init(
            body: #"{"source":"/s","consumer":"c","secrets":"hunter2"}"#, message: "field 'secrets' must be an object"),
        .init(
            body: #"{"source":"/s","consumer":"c","secrets":{"key":["hunter2"]}}"#,
            message: "field 'secrets.key' must be a string"),
        .init(
            body: #"{"source":"/s","consumer":"c","secrets":{"key":null}}"#,
            message: "field 'secrets.key' is null; it must be a string"),
        .init(
            body: #"{"source":"/s","consumer":"c","secrets":{"key":"hunter2","key":"a"}}"#,
            message: "cannot read the request's body: line 1, column 58: this member is there twice"),
        // Members that are there twice, also in disguise.
        .init(
            body: #"{"source":"/s","consumer":"c","source":"/t"}"#,
            message: "cannot read the request's body: line 1, column 31: this member is there twice"),
        .init(
            body: #"{"source":"/s","consumer":"c","sourc\u0065":"/t"}"#,
            message: "cannot read the request's body: line 1, column 31: this member is there twice"),
        // Not an object, or not only one.
        .init(
            body: "",
            message: "cannot read the request's body: line 1, column 1: it is empty; a JSON object is expected"),
        .init(
            body: " \n[]",
            message: "cannot read the request's body: line 2, column 1: a JSON object is expected, beginning with '{'"),
        .init(body: "{} x", message: "cannot read the request's body: line 1, column 4: nothing may follow the object"),
        // Syntax.
        .init(
            body: "{\n  \"source\": \"/s\"\n  \"consumer\": \"c\"\n}",
            message: "cannot read the request's body: line 3, column 3: ',' or '}' is expected"),
        .init(
            body: #"{"source":"/s",}"#,
            message: "cannot read the request's body: line 1, column 16: a member's name in quotes is expected"),
        .init(
            body: #"{'source':"/s"}"#,
            message: "cannot read the request's body: line 1, column 2: a member's name in quotes is expected"),
        .init(body: #"{"source" "/s"}"#, message: "cannot read the request's body: line 1, column 11: ':' is expected"),
        .init(
            body: #"{"options":["a",]}"#,
            message: "cannot read the request's body: line 1, column 17: a value is expected"),
        .init(
            body: #"{"options":["a" "b"]}"#,
            message: "cannot read the request's body: line 1, column 17: ',' or ']' is expected"),
        .init(
            body: #"{"source":"/s"#,
            message: "cannot read the request's body: line 1, column 14: it ends within a string"),
        .init(
            body: #"{"source":"#,
            message: "cannot read the request's body: line 1, column 11: it ends where a value is expected"),
        .init(
            body: #"{"source":nul}"#,
            message: "cannot read the request's body: line 1, column 11: a value is expected"),
        .init(
            body: #"{"timeout_seconds":01}"#,
            message: "cannot read the request's body: line 1, column 21: ',' or '}' is expected"),
        .init(
            body: #"{"timeout_seconds":1.}"#,
            message: "cannot read the request's body: line 1, column 22: a digit is expected"),
        .init(
            body: #"{"timeout_seconds":-}"#,
            message: "cannot read the request's body: line 1, column 21: a digit is expected"),
        .init(
            body: #"{"timeout_seconds":NaN}"#,
            message: "cannot read the request's body: line 1, column 20: a value is expected"),
        // Strings.
        .init(
            body: "{\"source\":\"a\nb\"}",
            message:
                "cannot read the request's body: line 1, column 13: a control character in a string must be escaped"),
        .init(
            body: #"{"source":"\x41"}"#,
            message: "cannot read the request's body: line 1, column 12: an unknown escape"),
        .init(
            body: #"{"source":"\ud800"}"#,
            message: "cannot read the request's body: line 1, column 12: half of a surrogate pair"),
        .init(
            body: #"{"source":"\udc00\ud800"}"#,
            message: "cannot read the request's body: line 1, column 12: half of a surrogate pair"),
        .init(
            body: #"{"source":"\u12g4"}"#,
            message: "cannot read the request's body: line 1, column 16: four hexadecimal digits are expected"),
    ]

    @Test("is refused with its name or its place", arguments: refusals)
    func refused(_ refusal: Refusal) {
        let error = #expect(throws: MountError.self) {
            try APIJSON.decodeRequest(AttachRequest.self, from: refusal.body.utf8)
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == refusal.message)
        if let hint = refusal.hint { #expect(error?.hint == hint) }
    }

    @Test("bytes that are not UTF-8, and other encodings, are refused")
    func encodings() {
        let latin = Array(#"{"source":""#.utf8) + [0xE9] + Array(#"","consumer":"c"}"#.utf8)
        let utf16 = #"{"source":"/s","consumer":"c"}"#.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let marked = [0xEF, 0xBB, 0xBF] + Array(#"{"source":"/s","consumer":"c"}"#.utf8)
        for body in [latin, utf16, marked] {
            #expect(throws: MountError.self) { try APIJSON.decodeRequest(AttachRequest.self, from: body) }
        }
    }

    @Test("depth is bounded, by the check and not by the stack")
    func depth() throws {
        let deep = #"{"options":"# + String(repeating: "[", count: 1_000_000)
        let error = #expect(throws: MountError.self) {
            try APIJSON.decodeRequest(AttachRequest.self, from: deep.utf8)
        }
        #expect(error?.message.hasSuffix("it is nested more than 16 deep") == true)

        // Side by side is not deep.
        let wide = #"{"x":["# + String(repeating: "{},[],", count: 100) + "0]}"
        let unknown = #expect(throws: MountError.self) {
            try APIJSON.decodeRequest(AttachRequest.self, from: wide.utf8)
        }
        #expect(unknown?.message == "unknown field 'x'")
    }

    @Test("no part of a request is taken for the whole")
    func prefixes() throws {
        let body = Array(
            #"{"source":"/s\u00e9\n","consumer":"c","options":["a","b=1"],"timeout_seconds":-1.5e+3}"#.utf8)
        let request = try APIJSON.decodeRequest(AttachRequest.self, from: body)
        #expect(request.source == "/sé\n")
        #expect(request.timeoutSeconds == -1500)
        for end in body.indices {
            #expect(throws: MountError.self) { try APIJSON.decodeRequest(AttachRequest.self, from: body[..<end]) }
        }
    }

    @Test("changed bytes are either refused or a request, whatever they are")
    func changedBytes() throws {
        let body = Array(#"{"source":"/\ud83d\ude00","consumer":"c","options":["a"],"timeout_seconds":1.5e0}"#.utf8)
        for place in body.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = body
                changed[place] = byte
                do {
                    _ = try APIJSON.decodeRequest(AttachRequest.self, from: changed)
                } catch {
                    #expect(error.code == .invalidArgument)
                    #expect(error.message != "it is not valid JSON", "the check let it through: \(changed)")
                }
            }
        }
    }

    @Test("null for an optional field is the same as leaving it out")
    func nullIsAbsent() throws {
        let request = try APIJSON.decodeRequest(
            AttachRequest.self, from: #"{"source":"/s","consumer":"c","volume":null,"options":null}"#.utf8)
        #expect(request == AttachRequest(source: "/s", consumer: "c"))
    }
}
