// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOPosix
internal import SystemPackage

/// The control groups of helper programs and of the daemons that they leave behind, one each, in one folder.
///
/// A group whose mount has been handed on stays as long as that mount, and bears its id: so the end of its last process
/// is known, also by a manager that was not there. Any other is killed: by the operation that it was made for, or, if
/// the whole daemon was killed before, at the next one's start.
final class HelperGroups: Sendable {
    private let folder: FilePath
    private let state = NIOLockedValueBox(State())
    /// Nil where the kernel grants none: a daemon's end is then noticed by the next question to its filesystem.
    private let watch: ControlGroupWatch?
    private let logger: Logger

    private struct State {
        var next = 0
        var begun: Set<ControlGroup> = []
        var serving: [KernelMountID: Service] = [:]
    }

    private struct Service {
        let group: ControlGroup
        /// Until then its mount may not have got its place yet.
        let settled: ContinuousClock.Instant
    }

    /// Makes the folder where it is missing, and ends what an earlier daemon has left unfinished.
    ///
    /// - Parameter name: the folder's, in this process's own group: two daemons have two.
    /// - Throws: what there is instead of control groups that can be written.
    init(
        named name: String, logger: Logger = Logger(label: "helpers") { _ in SwiftLogNoOpLogHandler() }
    ) throws(SystemCallError) {
        self.logger = logger
        let own = try ControlGroup.own()
        folder = own.appending(name)
        do throws(SystemCallError) {
            _ = try ControlGroup.make(name, in: own)
        } catch {
            if error.errno != .fileExists { throw error }
        }
        do throws(SystemCallError) { watch = try ControlGroupWatch() } catch { watch = nil }
        for group in try ControlGroup.all(in: folder) {
            if let id = try group.notedMount() { keep(group, serving: id, settled: .now) }
        }
        try sweep()
    }

    /// Makes a group for an operation. What others have left empty goes.
    ///
    /// - Parameter cache: the folder that its program has for itself, whose name the group bears.
    /// - Throws: what making it answers.
    func begin(cache: FilePath? = nil) throws(SystemCallError) -> ControlGroup {
        try sweep()
        while true {
            let number = state.withLockedValue { state in
                state.next += 1
                return state.next
            }
            let name = "\(number)" + (cache.map(Self.mark) ?? "")
            // Known before it is there: another operation's sweep must not take it for one that is left over.
            let group = ControlGroup(at: folder.appending(name))
            state.withLockedValue { _ = $0.begun.insert(group) }
            do throws(SystemCallError) {
                return try ControlGroup.make(name, in: folder)
            } catch {
                state.withLockedValue { _ = $0.begun.remove(group) }
                // A daemon of an earlier one's still lives there.
                if error.errno != .fileExists { throw error }
            }
        }
    }

    /// The group in which a program still has this folder, whoever has begun it; nil where there is none.
    ///
    /// - Throws: what looking at the groups answers.
    func user(ofCache cache: FilePath) throws(SystemCallError) -> ControlGroup? {
        for group in try ControlGroup.all(in: folder)
        where group.path.lastComponent?.string.hasSuffix(Self.mark(cache)) == true {
            if try group.isPopulated { return group }
        }
        return nil
    }

    private static func mark(_ cache: FilePath) -> String { "-\(cache.lastComponent?.string ?? "")" }

    /// The operation has ended.
    ///
    /// - Parameters:
    ///   - id: the mount that has come of it; nil where there is none.
    ///   - needsProcess: whether a process has to serve it; of another's program, as mount.nfs, often none is left.
    func end(_ group: ControlGroup, serving id: KernelMountID?, needsProcess: Bool) {
        do throws(SystemCallError) {
            // An earlier mount had the same id, where the kernel gives it again.
            if let id { state.withLockedValue { $0.serving[id] = nil } }
            if let id, needsProcess ? true : try group.isPopulated {
                try group.note(id)
                keep(group, serving: id, settled: .now + .seconds(60))
            } else {
                try group.kill()
            }
        } catch {
            // The next sweep meets it again.
            logger.warning(
                "the end of a helper program's operation could not be noted: \(error)",
                metadata: ["group": "\(group.path)", "mount": "\(id, default: "none")"])
        }
        state.withLockedValue { _ = $0.begun.remove(group) }
    }

    private func keep(_ group: ControlGroup, serving id: KernelMountID, settled: ContinuousClock.Instant) {
        state.withLockedValue { $0.serving[id] = Service(group: group, settled: settled) }
        // Where it cannot be watched, questions to the filesystem tell.
        do throws(SystemCallError) { try watch?.add(group) } catch { return }
    }

    /// Whether the mount's group has no process any more.
    func isDeserted(_ id: KernelMountID) -> Bool {
        guard let service = state.withLockedValue({ $0.serving[id] }) else { return false }
        do throws(SystemCallError) { return try !service.group.isPopulated } catch { return false }
    }

    /// The groups in which somebody lives although their mounts, by whose ids they are known, are no more.
    func left() throws(SystemCallError) -> [KernelMountID: ControlGroup] {
        let settled = state.withLockedValue { $0.serving.filter { $0.value.settled <= .now } }
        if settled.isEmpty { return [:] }
        let there = try MountTable.current.attached(of: Set(settled.keys))
        var left: [KernelMountID: ControlGroup] = [:]
        for (id, service) in settled where !there.contains(id) {
            do throws(SystemCallError) {
                if try service.group.isPopulated { left[id] = service.group }
            } catch {
                // It has gone meanwhile.
            }
        }
        return left
    }

    /// Ends all that is left of the program that has built this mount.
    func kill(serving id: KernelMountID) {
        guard let service = state.withLockedValue({ $0.serving[id] }) else { return }
        // It may have gone by itself.
        do throws(SystemCallError) { try service.group.kill() } catch { return }
    }

    /// Calls `notify` with each mount whose group may have lost its last process, until the task is cancelled.
    func watchDeserted(_ notify: @escaping @Sendable (KernelMountID) async -> Void) async {
        guard let watch else { return }
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                do {
                    guard let changed = try await thread.runIfActive({ try watch.wait() }) else { break }
                    for id in mounts(of: Set(changed)) where isDeserted(id) { await notify(id) }
                } catch {
                    // Nothing but an error of this program's own: the wait would be for nothing.
                    logger.error(
                        "the end of helper programs is not noticed any more but by questions to their mounts: \(error)")
                    break
                }
            }
        } onCancel: {
            watch.wake()
        }
        // It waits for nothing any more.
        thread.shutdownGracefully { _ in }
    }

    private func mounts(of groups: Set<ControlGroup>) -> [KernelMountID] {
        state.withLockedValue { $0.serving.filter { groups.contains($0.value.group) }.map(\.key) }
    }

    /// Removes the folder, unless daemons of helper programs live on.
    func close() {
        do throws(SystemCallError) {
            try sweep(isLast: true)
            _ = try ControlGroup(at: folder).remove()
        } catch {
            // An empty folder is all that can stay.
        }
    }

    /// Removes groups that are empty and whose mounts are no more, and kills those that nobody has begun and that have
    /// not handed on their mount.
    ///
    /// - Parameter isLast: whether no mount is still to get its place.
    func sweep(isLast: Bool = false) throws(SystemCallError) {
        let groups = try ControlGroup.all(in: folder)
        // After the listing: what is in it was known before, as begun, or as serving by now.
        let (begun, serving) = state.withLockedValue { ($0.begun, $0.serving) }
        let services = Dictionary(
            serving.map { ($0.value.group, (id: $0.key, settled: $0.value.settled)) },
            uniquingKeysWith: { first, _ in first })
        var empty: [KernelMountID: ControlGroup] = [:]
        for group in groups where !begun.contains(group) {
            do throws(SystemCallError) {
                if let service = services[group] {
                    if try !group.isPopulated, isLast || service.settled <= .now { empty[service.id] = group }
                } else if try !group.remove(), try isUnfinished(group) {
                    try group.kill()
                }
            } catch {
                // Another sweep was faster.
                let isGone = [.noSuchFileOrDirectory, .operationNotSupportedByDevice].contains(error.errno)
                if !isGone { throw error }
            }
        }
        let attached = try MountTable.current.attached(of: Set(empty.keys))
        for (id, group) in empty where !attached.contains(id) {
            watch?.remove(group)
            if try group.remove() { state.withLockedValue { $0.serving[id] = nil } }
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
