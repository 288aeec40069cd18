// SPDX-License-Identifier: Apache-2.0

public import LinuxMount
public import Logging
internal import MountModel
internal import NIOPosix
internal import Synchronization
internal import SystemPackage

/// What the kernel reports about its mount table, by fanotify (kernel 6.15), or by `poll` on mountinfo: then the table
/// is read after each change and compared with what it was.
public final class LinuxMountChanges: MountChangeSource {
    private let events: MountEventWatch
    /// Says only that something has changed, but that also of attributes.
    private let anything: MountEventWatch
    private let table: MountTable
    private let snapshot = Mutex(MountTableSnapshot())
    private let logger: Logger

    /// Listens from now on.
    ///
    /// - Throws: what kept the kernel from being listened to.
    public init(
        table: MountTable = .current, preferring mechanism: MountEventWatch.Mechanism = .fanotify, logger: Logger
    ) throws(SystemCallError) {
        events = try MountEventWatch.open(preferring: mechanism)
        anything = try MountEventWatch.open(preferring: .mountinfo)
        self.table = table
        self.logger = logger
        if events.mechanism == .mountinfo { _ = try tableChanges() }
    }

    /// By what means it listens: `fanotify` or `mountinfo`.
    public var mechanism: String { events.mechanism.rawValue }

    public func drain() -> MountChanges {
        do throws(SystemCallError) {
            switch try events.drain() {
            case .none: return .none
            case .everything where events.mechanism == .fanotify: return .everything
            case .everything:
                // The machines that have to look are few, and each look costs as much as this one where there is no
                // statmount.
                return .mounts(try tableChanges())
            case .mounts(let list):
                var changes: [MountChange] = []
                for event in list { changes += try self.changes(of: event) }
                return .mounts(changes)
            }
        } catch {
            // Whatever was reported is lost: everything has to be looked at.
            logger.error("the mount table's changes cannot be read: \(error)")
            return .everything
        }
    }

    public func watch(_ notify: @escaping @Sendable () async -> Void) async {
        await wait(for: events, firstAfter: nil) {
            await notify()
            return nil
        }
    }

    public func watchAttributes(_ look: @escaping @Sendable () async -> Bool) async {
        let clock = ContinuousClock()
        await wait(for: anything, firstAfter: Self.pauseBetweenLooks) {
            // Changes come in crowds, and a look takes longer the more mounts there are: a fiftieth of the time at
            // most.
            let began = clock.now
            let isOwedAnother = await look()
            let pause = max(Self.pauseBetweenLooks, began.duration(to: clock.now) * 50)
            guard await Deadline.passes(after: pause) else { return nil }
            return isOwedAnother ? Self.pauseBeforeAnotherTry : nil
        }
    }

    /// A drift is noticed within this time at best; changes in the meantime are looked at together.
    private static let pauseBetweenLooks = Duration.seconds(1)
    /// What could not be set right is tried again after this time.
    private static let pauseBeforeAnotherTry = Duration.seconds(30)

    /// Waits on a thread of its own. What `notify` returns is how long to wait for the next change; nil for ever.
    private func wait(
        for watch: MountEventWatch, firstAfter firstLimit: Duration?, _ notify: @Sendable () async -> Duration?
    ) async {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        await withTaskCancellationHandler {
            var patience = firstLimit
            while !Task.isCancelled {
                do {
                    let limit = patience
                    let wakeup = try await thread.runIfActive { try watch.wait(timeout: limit) }
                    if wakeup != .woken { patience = await notify() }
                } catch is CancellationError {
                    break
                } catch {
                    logger.error("the mount table's changes cannot be waited for: \(error)")
                    return
                }
            }
        } onCancel: {
            do throws(SystemCallError) { try watch.wake() } catch { logger.error("\(error)") }
        }
        do { try await thread.shutdownGracefully() } catch { logger.error("\(error)") }
    }

    /// Reads the table and says what differs from the last time.
    private func tableChanges() throws(SystemCallError) -> [MountChange] {
        let entries = try table.entries()
        return snapshot.withLock { $0.replace(with: entries) }
    }

    /// An event says which mount; the table says where it is, if it still is anywhere. One that has moved has left a
    /// place first, of which nothing else tells.
    private func changes(of event: MountEvent) throws(SystemCallError) -> [MountChange] {
        let departure = MountChange(id: MountID(rawValue: event.mount.rawValue))
        guard event.attached, let entry = try table.entry(event.mount) else { return [departure] }
        return (event.detached ? [departure] : []) + [MountChange(entry)]
    }
}
