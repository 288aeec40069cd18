// SPDX-License-Identifier: Apache-2.0

public import LinuxMount
public import Logging
internal import MountModel
internal import NIOPosix
internal import SystemPackage

/// What the kernel reports about its mount table, by fanotify (kernel 6.15) or by `poll` on mountinfo.
public final class LinuxMountChanges: MountChangeSource {
    private let events: MountEventWatch
    private let table: MountTable
    private let logger: Logger

    /// Listens from now on.
    ///
    /// - Throws: what kept the kernel from being listened to.
    public init(table: MountTable = .current, logger: Logger) throws(SystemCallError) {
        events = try MountEventWatch.open()
        self.table = table
        self.logger = logger
    }

    /// By what means it listens: `fanotify` or `mountinfo`.
    public var mechanism: String { events.mechanism.rawValue }

    public func drain() -> MountChanges {
        do throws(SystemCallError) {
            switch try events.drain() {
            case .none: return .none
            case .everything: return .everything
            case .mounts(let list):
                return .mounts(try list.map { (event) throws(SystemCallError) in try change(event) })
            }
        } catch {
            // Whatever was reported is lost: everything has to be looked at.
            logger.error("the mount table's changes cannot be read: \(error)")
            return .everything
        }
    }

    public func watch(_ notify: @escaping @Sendable () async -> Void) async {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                do {
                    let wakeup = try await thread.runIfActive { try self.events.wait() }
                    if wakeup == .changed { await notify() }
                } catch is CancellationError {
                    break
                } catch {
                    logger.error("the mount table's changes cannot be waited for: \(error)")
                    return
                }
            }
        } onCancel: {
            do throws(SystemCallError) { try events.wake() } catch { logger.error("\(error)") }
        }
        do { try await thread.shutdownGracefully() } catch { logger.error("\(error)") }
    }

    /// An event says which mount; the table says where it is, if it still is anywhere.
    private func change(_ event: MountEvent) throws(SystemCallError) -> MountChange {
        let id = MountID(rawValue: event.mount.rawValue)
        guard event.attached, let entry = try table.entry(event.mount) else { return MountChange(id: id) }
        var mountpoint: Mountpoint?
        // A path that is none of ours (a strange name, not reachable) concerns no machine.
        if let path = entry.mountpoint { mountpoint = try? Mountpoint(path.string) }
        return MountChange(id: id, parent: MountID(rawValue: entry.parentID.rawValue), mountpoint: mountpoint)
    }
}
