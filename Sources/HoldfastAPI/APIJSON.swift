// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
public import MountModel

/// A request whose members are all known: a member that is not is a mistake of the caller.
public protocol StrictlyDecodable: Decodable {
    /// The names of all members on the wire.
    static var memberNames: [String] { get }
}

extension AttachRequest: StrictlyDecodable {
    public static var memberNames: [String] { CodingKeys.allCases.map(\.rawValue) }
}

/// The API's JSON (RFC 8259): strict towards requests, lenient towards answers, whose sender may be newer.
///
/// Nothing here blocks.
public enum APIJSON {
    /// Encodes a value with its members sorted and slashes as they are; `pretty` spreads it over lines for a person.
    ///
    /// - Throws: `internal` for a value that JSON has no form for (a number that is not finite).
    public static func encode(_ value: some Encodable, pretty: Bool = false) throws(MountError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw MountError(.internal, "cannot write the answer as JSON: \(error)")
        }
    }

    /// Decodes a request's body. Members that are unknown or there twice, malformed JSON, and JSON nested too deeply
    /// are refused.
    ///
    /// - Throws: `invalid_argument`, which names the member or the place.
    public static func decodeRequest<Request: StrictlyDecodable>(
        _ type: Request.Type, from body: some Collection<UInt8>
    ) throws(MountError) -> Request {
        let bytes = Array(body)
        let names: [String]
        do {
            var check = JSONSyntaxCheck(bytes)
            names = try check.memberNamesOfObject()
        } catch {
            throw .invalidArgument("cannot read the request's body: \(error)")
        }
        for name in names where !Request.memberNames.contains(name) {
            let nearest = NearestName.find(name, among: Request.memberNames)
            throw .invalidArgument(
                "unknown field '\(InputText.quoted(name))'",
                hint: nearest.map { "did you mean '\($0)'?" }
                    ?? "the fields are \(Request.memberNames.joined(separator: ", "))")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw .invalidArgument(describe(error))
        }
    }

    /// Decodes an answer. Members that this version does not know are passed over.
    ///
    /// - Throws: `internal`, which says what does not fit.
    public static func decodeResponse<Response: Decodable>(
        _ type: Response.Type, from body: some Collection<UInt8>
    ) throws(MountError) -> Response {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw MountError(.internal, "the answer is not what this version expects: \(describe(error))")
        }
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            "field '\(path(context.codingPath + [key]))' is missing"
        case DecodingError.typeMismatch(let type, let context):
            "field '\(path(context.codingPath))' must be \(words(for: type))"
        case DecodingError.valueNotFound(let type, let context):
            "field '\(path(context.codingPath))' is null; it must be \(words(for: type))"
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            "field '\(path(context.codingPath))' is out of range"
        default:
            "it is not valid JSON"
        }
    }

    /// `mounts[2].id`; the whole document is `.`.
    private static func path(_ keys: [any CodingKey]) -> String {
        var path = ""
        for key in keys {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + InputText.quoted(key.stringValue)
            }
        }
        return path.isEmpty ? "." : path
    }

    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is any JSONArray.Type: "an array"
        default: "an object"
        }
    }
}

/// What JSON writes as an array; `JSONDecoder` names `[Any]` where it finds none.
private protocol JSONArray {}
extension Array: JSONArray {}
