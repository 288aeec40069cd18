// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
public import MountModel
internal import MountWorker
internal import NIOConcurrencyHelpers
internal import SystemPackage

extension LinuxExecutor {
    public func detectType(of source: String, within limit: Duration) async throws(MountError) -> FilesystemType {
        if let type = catalog.inferType(from: source) { return type }
        try InputText.checkAbsolutePath(source, as: "source")
        let path = FilePath(source)
        let late = MountError(
            .timedOut, "cannot look at \(source): it did not answer in time",
            context: MountError.Context(operation: "detect", source: source),
            hint: "is what it is on reachable? naming the type saves the look")
        let hasBegun = NIOLockedValueBox(false)
        try beginLook(at: source)
        let result = await Deadline.first(within: limit, otherwise: .failure(late)) {
            defer { self.looks.withLockedValue { $0 -= 1 } }
            return await self.onThread(of: .sources) { () -> Result<String?, MountError> in
                hasBegun.withLockedValue { $0 = true }
                do throws(OperationFailure) {
                    return .success(try self.operations.detect(path))
                } catch {
                    return .failure(.operation("look at", source, failed: error))
                }
            }
        }
        switch result {
        case .success(.success(let signature)):
            if let type = signature.flatMap({ catalog.type(forSignature: $0) }) { return type }
            throw .invalidArgument(
                "there is no filesystem that Holdfast knows on \(source)", hint: "name the type if you know better")
        case .failure(late) where !hasBegun.withLockedValue({ $0 }):
            throw MountError(
                .timedOut, "cannot look at \(source): all of the daemon's builds are taken by other sources",
                context: late.context, hint: "'holdfast doctor' names them; this one was not looked at")
        case .success(.failure(let error)), .failure(let error): throw error
        }
    }

    /// More looks than these are refused: each of a source that hangs keeps a thread or a place in the queue for ever.
    package static let lookLimit = 1024

    private func beginLook(at source: String) throws(MountError) {
        let isLet = looks.withLockedValue { looks in
            guard looks < Self.lookLimit else { return false }
            looks += 1
            return true
        }
        if isLet { return }
        throw MountError(
            .resourceExhausted, "cannot look at \(source): \(Self.lookLimit) sources are being looked at already",
            context: MountError.Context(operation: "detect", source: source),
            hint: "does one of them hang? naming the type saves the look")
    }
}
