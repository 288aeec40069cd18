// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import NIOConcurrencyHelpers
internal import SystemPackage

/// The control groups of helper programs and of the daemons that they leave behind, one each, in one folder.
///
/// A group whose mount has been handed on stays as long as its daemon serves that mount. Any other is killed: by the
/// operation that it was made for, or, if the whole daemon was killed before, at the next one's start.
final class HelperGroups: Sendable {
    private let folder: FilePath
    private let state = NIOLockedValueBox(State())

    private struct State {
        var next = 0
        var begun: Set<ControlGroup> = []
    }

    /// Makes the folder where it is missing, and ends what an earlier daemon has left unfinished.
    ///
    /// - Parameter name: the folder's, in this process's own group: two daemons have two.
    /// - Throws: what there is instead of control groups that can be written.
    init(named name: String) throws(SystemCallError) {
        let own = try ControlGroup.own()
        folder = own.appending(name)
        do throws(SystemCallError) {
            _ = try ControlGroup.make(name, in: own)
        } catch {
            if error.errno != .fileExists { throw error }
        }
        try sweep()
    }

    /// Makes a group for an operation. What others have left empty goes.
    ///
    /// - Throws: what making it answers.
    func begin() throws(SystemCallError) -> ControlGroup {
        try sweep()
        while true {
            let number = state.withLockedValue { state in
                state.next += 1
                return state.next
            }
            do throws(SystemCallError) {
                let group = try ControlGroup.make("\(number)", in: folder)
                state.withLockedValue { _ = $0.begun.insert(group) }
                return group
            } catch {
                // A daemon of an earlier one's still lives there.
                if error.errno != .fileExists { throw error }
            }
        }
    }

    /// The operation has ended.
    ///
    /// - Parameter keeping: whether there is a mount, which a daemon in the group may serve.
    func end(_ group: ControlGroup, keeping: Bool) {
        if !keeping {
            do throws(SystemCallError) {
                try group.kill()
            } catch {
                // The next sweep meets it again.
            }
        }
        state.withLockedValue { _ = $0.begun.remove(group) }
    }

    /// Removes the folder, unless daemons of helper programs live on.
    func close() {
        do throws(SystemCallError) {
            try sweep()
            _ = try ControlGroup(at: folder).remove()
        } catch {
            // An empty folder is all that can stay.
        }
    }

    /// Removes groups that are empty, and kills those that nobody has begun and that have not handed on their mount.
    func sweep() throws(SystemCallError) {
        let begun = state.withLockedValue { $0.begun }
        for group in try ControlGroup.all(in: folder) where !begun.contains(group) {
            if try group.remove() { continue }
            if try isUnfinished(group) { try group.kill() }
        }
    }

    private func isUnfinished(_ group: ControlGroup) throws(SystemCallError) -> Bool {
        for process in try group.processes() {
            do throws(SystemCallError) {
                if try Nursery.isUnfinished(process) { return true }
            } catch {
                // It has ended meanwhile, or is about to.
            }
        }
        return false
    }
}
