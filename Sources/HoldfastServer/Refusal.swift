// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HoldfastAPI
import HummingbirdCore
import MountModel
import NIOCore

/// Why a request is not answered as it wished: a problem document, its HTTP status and extra header fields.
struct Refusal: Error {
    /// The document (RFC 9457).
    var problem: Problem
    /// Header fields beside the usual ones, such as `Allow`.
    var headers = HTTPFields()

    /// An error of the mount manager; the table of codes gives the status.
    init(_ error: MountError) { problem = Problem(error) }

    /// A failure of HTTP itself, whose status is more exact than the code's usual one.
    init(_ status: HTTPResponse.Status, _ error: MountError) {
        problem = Problem(error)
        problem.status = status.code
    }

    /// What a client is told about an internal error: nothing of its text, only where to find it.
    static func internalError(request: RequestID) -> Refusal {
        Refusal(
            MountError(
                .internal, "the daemon met an internal error",
                hint: "its log has the details under request \(request)"))
    }

    /// The response, complete.
    func response() -> Response {
        var fields = headers
        fields[.contentType] = "application/problem+json"
        return Response(
            status: .init(code: problem.status), headers: fields, body: .init(byteBuffer: ProblemBody.encode(problem)))
    }
}

/// A problem document's bytes.
enum ProblemBody {
    /// A problem document; it has no member that could fail to encode, so there is no way out but a constant one.
    static func encode(_ problem: Problem) -> ByteBuffer {
        do throws(MountError) {
            return ByteBuffer(bytes: try APIJSON.encode(problem))
        } catch {
            return ByteBuffer(string: #"{"code":"internal","detail":"the problem could not be encoded"}"#)
        }
    }
}
