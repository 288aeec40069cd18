// SPDX-License-Identifier: Apache-2.0

package import MountModel
package import MountWorker

extension MountError {
    /// A mount that could not be built.
    package static func mounting(_ source: MountSource, failed failure: OperationFailure) -> MountError {
        switch failure {
        case .refused(let error): return mounting(source, failed: error)
        case .late, .ended:
            let context = Context(operation: "build", type: source.type.rawValue, source: source.source)
            return unanswered("mount \(source)", failure, context)
        }
    }

    /// Another operation that has no answer.
    package static func operation(
        _ verb: String, _ path: some CustomStringConvertible, failed failure: OperationFailure
    ) -> MountError {
        switch failure {
        case .refused(let error): return operation(verb, path, failed: error)
        case .late, .ended:
            return unanswered("\(verb) \(path)", failure, Context(operation: verb, target: path.description))
        }
    }

    private static func unanswered(_ what: String, _ failure: OperationFailure, _ context: Context) -> MountError {
        if case .late(let limit) = failure {
            return MountError(
                .timedOut, "cannot \(what): it took longer than \(limit.formattedSeconds); its worker was killed",
                context: context, hint: "is its server there? if it is only slow: operation_deadline_seconds")
        }
        return MountError(
            .internal, "cannot \(what): its worker ended in the middle of it", context: context,
            hint: "the kernel's log says whether it was killed for want of memory, or by what else")
    }
}

extension Duration {
    /// `60 s`, `0.3 s`.
    fileprivate var formattedSeconds: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        let (whole, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        return rest == 0 ? "\(whole) s" : "\(Double(milliseconds) / 1000) s"
    }
}
