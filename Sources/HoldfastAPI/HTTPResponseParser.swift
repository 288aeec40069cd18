// SPDX-License-Identifier: Apache-2.0

/// Reads one HTTP/1.1 response (RFC 9112) as its bytes arrive: by length or in chunks, every part bounded.
///
/// A body that ends only with the connection is refused: nobody could tell it from one that was cut short.
struct HTTPResponseParser {
    /// What has been read.
    struct Response: Hashable {
        var status: Int
        var body: [UInt8]
    }

    /// More than any head of ours; a longer one is not HTTP, or not ours.
    static let maximumHeadLength = 65_536

    private enum State { case statusLine, header, body(Int), chunkSize, chunk(Int), chunkEnd, trailer, complete }

    private let maximumBodyLength: Int
    private var state = State.statusLine
    private var line: [UInt8] = []
    private var headLength = 0
    private var status = 0
    private var contentLength: Int?
    private var isChunked = false
    private var body: [UInt8] = []

    init(maximumBodyLength: Int) { self.maximumBodyLength = maximumBodyLength }

    /// Takes the next bytes; returns the response with its last byte. What follows it is not looked at.
    mutating func consume(_ bytes: ArraySlice<UInt8>) throws(ExchangeFailure) -> Response? {
        var rest = bytes
        while true {
            switch state {
            case .complete:
                return Response(status: status, body: body)
            case .body(let missing):
                state = takeBody(&rest, missing).map(State.body) ?? .complete
            case .chunk(let missing):
                state = takeBody(&rest, missing).map(State.chunk) ?? .chunkEnd
            case .statusLine, .header, .chunkSize, .chunkEnd, .trailer:
                guard let text = try takeLine(&rest) else { return nil }
                try handle(text)
                continue
            }
            if rest.isEmpty, case .complete = state { continue }
            if rest.isEmpty { return nil }
        }
    }

    /// Moves up to `missing` bytes into the body; returns how many are missing then, nil for none.
    private mutating func takeBody(_ rest: inout ArraySlice<UInt8>, _ missing: Int) -> Int? {
        let part = rest.prefix(missing)
        body.append(contentsOf: part)
        rest = rest.dropFirst(part.count)
        return part.count == missing ? nil : missing - part.count
    }

    /// The next line without its end, once it is complete.
    private mutating func takeLine(_ rest: inout ArraySlice<UInt8>) throws(ExchangeFailure) -> String? {
        let end = rest.firstIndex(of: 0x0A)
        let part = rest[..<(end ?? rest.endIndex)]
        headLength += part.count
        guard headLength <= Self.maximumHeadLength else { throw .malformed("its head does not end") }
        line.append(contentsOf: part)
        guard let end else {
            rest = []
            return nil
        }
        rest = rest[(end + 1)...]
        if line.last == 0x0D { line.removeLast() }
        defer { line = [] }
        return String(decoding: line, as: UTF8.self)
    }

    private mutating func handle(_ text: String) throws(ExchangeFailure) {
        switch state {
        case .statusLine: try handleStatusLine(text)
        case .header where text.isEmpty: try endHead()
        case .header: try handleHeader(text)
        case .chunkSize: try handleChunkSize(text)
        case .chunkEnd:
            guard text.isEmpty else { throw .malformed("a chunk is longer than it says") }
            headLength = 0
            state = .chunkSize
        case .trailer:
            if text.isEmpty { state = .complete }
        case .body, .chunk, .complete: break
        }
    }

    private mutating func handleStatusLine(_ text: String) throws(ExchangeFailure) {
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0", parts[1].utf8.count == 3,
            let status = Self.number(parts[1], radix: 10), (100...599).contains(status)
        else { throw .malformed("it does not begin with an HTTP/1.1 status line") }
        self.status = status
        state = .header
    }

    private mutating func handleHeader(_ text: String) throws(ExchangeFailure) {
        guard let colon = text.firstIndex(of: ":") else { throw .malformed("a header has no ':'") }
        let value = Self.trimmed(text[text.index(after: colon)...])
        switch text[..<colon].lowercased() {
        case "content-length":
            guard let length = Self.number(value, radix: 10), contentLength == nil || contentLength == length else {
                throw .malformed("its Content-Length is not one number")
            }
            contentLength = length
        case "transfer-encoding":
            guard value.lowercased() == "chunked", !isChunked else {
                throw .malformed("its Transfer-Encoding is not 'chunked'")
            }
            isChunked = true
        default: break
        }
    }

    private mutating func endHead() throws(ExchangeFailure) {
        switch (isChunked, contentLength) {
        case _ where status < 200:
            // An interim response: the final one follows it.
            (contentLength, isChunked, headLength) = (nil, false, 0)
            state = .statusLine
        case (true, nil):
            headLength = 0
            state = .chunkSize
        case (false, let length?):
            guard length <= maximumBodyLength else { throw .tooLarge(limit: maximumBodyLength) }
            body.reserveCapacity(length)
            state = length == 0 ? .complete : .body(length)
        case (false, nil) where status == 204:
            state = .complete
        case (true, _?):
            throw .malformed("it has both a Content-Length and a Transfer-Encoding")
        case (false, nil):
            throw .malformed("it has neither a Content-Length nor a Transfer-Encoding")
        }
    }

    private mutating func handleChunkSize(_ text: String) throws(ExchangeFailure) {
        let digits = Self.trimmed(text.prefix { $0 != ";" })
        guard let size = Self.number(digits, radix: 16) else { throw .malformed("a chunk's size is not a number") }
        guard size <= maximumBodyLength - body.count else { throw .tooLarge(limit: maximumBodyLength) }
        headLength = 0
        state = size == 0 ? .trailer : .chunk(size)
    }

    /// Digits only: `Int` would take a sign too.
    private static func number(_ text: some StringProtocol, radix: Int) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        return Int(text, radix: radix)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
