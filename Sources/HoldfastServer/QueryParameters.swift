// SPDX-License-Identifier: Apache-2.0

import MountModel

/// The query of a request's target, each parameter known to the route and given once.
struct QueryParameters {
    private let values: [String: String]

    /// Parses `name=value&…`, percent-decoded.
    ///
    /// A bare `+` is refused: forms read it as a space and RFC 3986 as itself, and a path must not depend on the
    /// reader.
    ///
    /// - Throws: `invalid_argument`, which names the parameter.
    init(_ query: Substring, allowed: [String]) throws(MountError) {
        var values: [String: String] = [:]
        for part in query.split(separator: "&", omittingEmptySubsequences: true) {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try PercentEncoding.decode(halves[0], as: "name of a query parameter")
            guard allowed.contains(name) else {
                throw .invalidArgument(
                    "there is no query parameter '\(InputText.quoted(name))' here",
                    hint: allowed.isEmpty ? "this request takes none" : "allowed: \(allowed.joined(separator: ", "))")
            }
            guard halves.count == 2 else {
                throw .invalidArgument("the query parameter '\(name)' has no value")
            }
            let value = try PercentEncoding.decode(halves[1], as: "query parameter '\(name)'")
            if values.updateValue(value, forKey: name) != nil {
                throw .invalidArgument("the query parameter '\(name)' is given twice")
            }
        }
        self.values = values
    }

    /// The parameter's text, nil where it is not given.
    subscript(name: String) -> String? { values[name] }

    /// The parameter's text.
    ///
    /// - Throws: `invalid_argument` where it is not given.
    func required(_ name: String) throws(MountError) -> String {
        guard let value = values[name] else { throw .invalidArgument("the query parameter '\(name)' is missing") }
        return value
    }

    /// A time in seconds, 0.001 to 86,400; nil where it is not given.
    ///
    /// - Throws: `invalid_argument` for anything else.
    func seconds(_ name: String) throws(MountError) -> Double? {
        guard let text = values[name] else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") }),
            let number = Double(text), (0.001...86_400).contains(number)
        else {
            throw .invalidArgument(
                "the query parameter '\(name)' is '\(InputText.quoted(text))', not a number of seconds from 0.001 to "
                    + "86400"
            )
        }
        return number
    }
}

/// Percent-encoding (RFC 3986, section 2.1), read strictly.
enum PercentEncoding {
    /// Decodes a text of a request's target.
    ///
    /// - Throws: `invalid_argument` for an incomplete escape, a bare `+`, and bytes that are not UTF-8.
    static func decode(_ text: Substring, as what: String) throws(MountError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else {
                    throw .invalidArgument("the \(what) has a '%' without two hexadecimal digits")
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+"):
                throw .invalidArgument("the \(what) has a bare '+'", hint: "write %2B for a plus, %20 for a space")
            default:
                bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .invalidArgument("the \(what) is not valid UTF-8")
        }
        return decoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
