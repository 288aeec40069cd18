// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@testable import HoldfastAPI

@Suite("HTTP: reading a response")
struct HTTPResponseParserTests {
    private func parse(_ bytes: [UInt8], limit: Int = 4096) throws(ExchangeFailure) -> HTTPResponseParser.Response? {
        var parser = HTTPResponseParser(maximumBodyLength: limit)
        return try parser.consume(bytes[...])
    }

    static let whole: [String] = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\nContent-Length:5\n\nhello",
        "HTTP/1.1 200\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n03;x=y\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    ]

    @Test("is the same wherever the bytes are split, and complete with the last byte only", arguments: whole)
    func splits(_ text: String) throws {
        let bytes = Array(text.utf8)
        let expected = HTTPResponseParser.Response(status: 200, body: Array("hello".utf8))
        #expect(try parse(bytes) == expected)
        for first in bytes.indices {
            var parser = HTTPResponseParser(maximumBodyLength: 5)
            #expect(try parser.consume(bytes[..<first]) == nil)
            #expect(try parser.consume(bytes[first...]) == expected)
        }
        var parser = HTTPResponseParser(maximumBodyLength: 5)
        for index in bytes.indices.dropLast() { #expect(try parser.consume(bytes[index...index]) == nil) }
        #expect(try parser.consume(bytes.suffix(1)) == expected)
    }

    @Test("an empty body is complete with its head")
    func emptyBodies() throws {
        #expect(try parse(Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)) == .init(status: 204, body: []))
        #expect(try parse(Array("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n".utf8)) == .init(status: 503, body: []))
    }

    static let malformed: [String] = [
        "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2 200\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 +20 OK\r\n",
        "\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
        "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 70_000),
    ]

    @Test("what is not HTTP, or is ambiguous, is refused", arguments: malformed)
    func refused(_ text: String) {
        let failure = #expect(throws: ExchangeFailure.self) { try parse(Array(text.utf8)) }
        guard case .malformed = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    @Test("a head that never ends is refused, in headers and in trailers")
    func endlessHeads() {
        let line = Array("a: b\r\n".utf8)
        for start in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"] {
            var parser = HTTPResponseParser(maximumBodyLength: 5)
            #expect(throws: ExchangeFailure.malformed("its head does not end")) {
                _ = try parser.consume(Array(start.utf8)[...])
                for _ in 0..<100_000 { _ = try parser.consume(line[...]) }
            }
        }
    }

    @Test("a body over the limit is refused before it is stored")
    func tooLarge() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\n",
        ] {
            #expect(throws: ExchangeFailure.tooLarge(limit: 5)) { try parse(Array(text.utf8), limit: 5) }
        }
    }

    @Test("changed bytes never trap")
    func changedBytes() {
        for text in Self.whole {
            let bytes = Array(text.utf8)
            for place in bytes.indices {
                for byte in UInt8.min...UInt8.max {
                    var changed = bytes
                    changed[place] = byte
                    do {
                        if let response = try parse(changed, limit: 100) { #expect(response.body.count <= 100) }
                    } catch {
                        // Refused: just as good here.
                    }
                }
            }
        }
    }

    @Test("a request's path and query are percent-encoded, byte by byte")
    func encoding() {
        let request = HTTPRequestText(
            "DELETE", "/v1/attachments", query: [("source", "a b/ü&=?#%+"), ("volume", nil), ("at", "~-._0Z")])
        #expect(request.target == "/v1/attachments?source=a%20b%2F%C3%BC%26%3D%3F%23%25%2B&at=~-._0Z")
        #expect(HTTPRequestText.percentEncoded("\r\n\0") == "%0D%0A%00")
    }
}
