// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
public import MountModel
internal import MountWorker
internal import SystemPackage

extension LinuxExecutor {
    public func detectType(of source: String, within limit: Duration) async throws(MountError) -> FilesystemType {
        if let type = catalog.inferType(from: source) { return type }
        try FilesystemCatalog.checkHasNoPassword(source)
        guard source.utf8.first == UInt8(ascii: "/") else {
            throw .invalidArgument(
                "the source '\(InputText.quoted(source))' does not say of what type it is",
                hint: "name the type ('--type tmpfs'), or begin a path with '/'")
        }
        try InputText.checkAbsolutePath(source, as: "source")
        switch await looks.value(of: source, within: limit, { await self.look(at: source) }) {
        case .success(let signature):
            if let type = signature.flatMap({ catalog.type(forSignature: $0) }) { return type }
            throw .invalidArgument(
                "there is no filesystem that Holdfast knows on \(source)", hint: "name the type if you know better")
        case .failure(let error): throw error
        case nil: throw await unseen(source)
        }
    }

    /// Where a worker looks, it is killed when the task is cancelled; a thread of this process goes on.
    private func look(at source: String) async -> Result<String?, MountError> {
        let interrupt = OperationInterrupt()
        let result = await withTaskCancellationHandler {
            await onThread(of: .looks) { () -> Result<String?, OperationFailure> in
                do throws(OperationFailure) {
                    return .success(try self.operations.detect(FilePath(source), interrupt: interrupt))
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            interrupt.raise()
        }
        switch result {
        case .success(.success(let found)): return .success(found)
        case .success(.failure(let failure)):
            // Until it has ended it has its place among the looks.
            await waitForEnd(after: failure)
            return .failure(.operation("look at", source, failed: failure))
        case .failure(let error): return .failure(error)
        }
    }

    /// Why nobody has an answer.
    private func unseen(_ source: String) async -> MountError {
        let context = MountError.Context(operation: "detect", source: source)
        if Task.isCancelled {
            return MountError(.cancelled, "nobody waits for the look at \(source) any more", context: context)
        }
        let others = await looks.subjects.filter { $0 != source }
        if others.count >= lookLimit {
            let taken = takenLooks(by: others)
            return MountError(
                .timedOut, "cannot look at \(source): \(taken.message)", context: context, hint: taken.hint)
        }
        return MountError(
            .timedOut, "cannot look at \(source): it did not answer in time", context: context,
            hint: "is what it is on reachable? naming the type saves the look")
    }

    /// What is said where as many looks as there may be hang, for ten seconds at least; nil where that is not so.
    func hungLooks(after patience: Duration = .seconds(10)) async -> MountError? {
        let hung = await looks.subjects(since: .now - patience)
        return hung.count >= lookLimit ? takenLooks(by: hung) : nil
    }

    private func takenLooks(by sources: [String]) -> MountError {
        let shown = sources.sorted().prefix(5).joined(separator: ", ") + (sources.count > 5 ? ", …" : "")
        return MountError(
            .resourceExhausted, "all of the \(lookLimit) looks that there may be at once are taken by others: \(shown)",
            context: MountError.Context(operation: "detect"),
            hint: "is what those are on reachable? naming the type saves the look")
    }
}
