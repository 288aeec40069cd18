// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import LinuxMount
import SystemPackage
import Testing

/// One at a time: only these tests open fanotify groups, so that a leaked one is noticed.
@Suite(.serialized) struct MountEventWatchTests {
    @Test func `The kernel's mount events are used where the kernel has them, and mountinfo on request`() async throws {
        try await withoutLeaks {
            let isNew = try Self.kernelVersion() >= (6, 15)
            #expect(try MountEventWatch.open().mechanism == (isNew ? .fanotify : .mountinfo))
            #expect(try MountEventWatch.open(preferring: .mountinfo).mechanism == .mountinfo)
        }
    }

    @Test(arguments: MountEventWatch.Mechanism.allCases)
    func `Each change can be read when the call that made it has returned, once`(
        mechanism: MountEventWatch.Mechanism
    ) async throws {
        try await withoutLeaks {
            try await HostFolder.with { folder in
                let target = try folder.makeFolder("a")
                let other = try folder.makeFolder("b")
                let seen = try await HostFixture.inOwnMountNamespace {
                    var seen: [Observation] = []
                    let watch = try MountEventWatch.open(preferring: mechanism)
                    func note(_ step: String, _ mounts: [KernelMountID] = []) throws {
                        seen.append(Observation(step: step, events: try watch.drain(), mounts: mounts))
                    }
                    try note("nothing")
                    let first = try Self.mountMemory(on: target)
                    try note("mounted", [first])
                    try note("nothing")
                    let over = try Self.mountMemory(on: target)
                    try note("mounted over", [over])
                    try HostFixture.check(umount2(target.string, 0), "umount2")
                    try note("unmounted", [over])
                    try HostFixture.check(mount(target.string, other.string, nil, UInt(MS_MOVE), nil), "mount")
                    try note("moved", [first])
                    try HostFixture.check(umount2(other.string, Int32(MNT_DETACH)), "umount2")
                    try note("detached", [first])
                    try note("nothing")
                    return seen
                }
                for observation in seen {
                    #expect(observation.events == observation.expected(with: mechanism), "\(observation.step)")
                }
                #expect(seen.count == 8)
            }
        }
    }

    @Test(arguments: MountEventWatch.Mechanism.allCases)
    func `Two thousand mounts and unmounts are each there at the next look`(
        mechanism: MountEventWatch.Mechanism
    ) async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let missed = try await HostFixture.inOwnMountNamespace {
                let watch = try MountEventWatch.open(preferring: mechanism)
                var missed = 0
                for _ in 0..<2000 {
                    try HostFixture.check(mount("test", target.string, "tmpfs", 0, nil), "mount")
                    if try watch.drain() == .none { missed += 1 }
                    try HostFixture.check(umount2(target.string, 0), "umount2")
                    if try watch.drain() == .none { missed += 1 }
                }
                return missed
            }
            #expect(missed == 0)
        }
    }

    @Test func `A lazily unmounted tree is an event for each mount, and none when its last file is closed`()
        async throws
    {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let (events, after, mounts) = try await HostFixture.inOwnMountNamespace {
                let upper = try Self.mountMemory(on: target)
                let inner = target.appending("inner")
                try HostFixture.check(mkdir(inner.string, 0o700), "mkdir")
                let lower = try Self.mountMemory(on: inner)
                let file = Glibc.open(inner.appending("file").string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
                try HostFixture.check(file, "open")
                let watch = try MountEventWatch.open()
                try HostFixture.check(umount2(target.string, Int32(MNT_DETACH)), "umount2")
                let events = try watch.drain()
                try HostFixture.check(Glibc.close(file), "close")
                return (events, try watch.drain(), [upper, lower])
            }
            guard case .mounts(let detached) = events else {
                Issue.record("\(events)")
                return
            }
            #expect(Set(detached) == Set(mounts.map { MountEvent($0, attached: false, detached: true) }))
            #expect(after == .none)
        }
    }

    @Test(arguments: MountEventWatch.Mechanism.allCases)
    func `A mount that goes with its folder is an event`(mechanism: MountEventWatch.Mechanism) async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let (events, mount) = try await HostFixture.inOwnMountNamespace {
                let mount = try Self.mountMemory(on: target)
                let watch = try MountEventWatch.open(preferring: mechanism)
                // The kernel refuses the removal only where the folder is a mountpoint in the caller's own namespace.
                try HostFixture.onOtherThread {
                    try HostFixture.check(hf_unshare_mounts(), "unshare")
                    try HostFixture.check(umount2(target.string, 0), "umount2")
                    try HostFixture.check(rmdir(target.string), "rmdir")
                }
                return (try watch.drain(), mount)
            }
            let gone = MountEvent(mount, attached: false, detached: true)
            #expect(events == (mechanism == .fanotify ? .mounts([gone]) : .everything))
        }
    }

    @Test(arguments: MountEventWatch.Mechanism.allCases)
    func `Mounts in another namespace are no events`(mechanism: MountEventWatch.Mechanism) async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let events = try await HostFixture.inOwnMountNamespace {
                let watch = try MountEventWatch.open(preferring: mechanism)
                try HostFixture.onOtherThread {
                    try HostFixture.check(hf_unshare_mounts(), "unshare")
                    _ = try Self.mountMemory(on: target)
                    try HostFixture.check(umount2(target.string, 0), "umount2")
                }
                return try watch.drain()
            }
            #expect(events == .none)
        }
    }

    @Test(arguments: MountEventWatch.Mechanism.allCases)
    func `What propagates from another namespace is an event`(mechanism: MountEventWatch.Mechanism) async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let (events, mount) = try await HostFixture.inOwnMountNamespace {
                _ = try Self.mountMemory(on: target)
                try HostFixture.check(Glibc.mount("none", target.string, nil, UInt(MS_SHARED), nil), "mount")
                let inner = target.appending("inner")
                try HostFixture.check(mkdir(inner.string, 0o700), "mkdir")
                let watch = try MountEventWatch.open(preferring: mechanism)
                try HostFixture.onOtherThread {
                    try HostFixture.check(hf_unshare_mounts(), "unshare")
                    _ = try Self.mountMemory(on: inner)
                }
                let events = try watch.drain()
                let mount = try Self.mountID(at: inner)
                try HostFixture.check(umount2(inner.string, Int32(MNT_DETACH)), "umount2")
                try HostFixture.check(umount2(target.string, Int32(MNT_DETACH)), "umount2")
                return (events, mount)
            }
            let came = MountEvent(mount, attached: true, detached: false)
            #expect(events == (mechanism == .fanotify ? .mounts([came]) : .everything))
        }
    }

    @Test(arguments: MountEventWatch.Mechanism.allCases)
    func `Changed attributes are an event for mountinfo, and none for fanotify`(
        _ mechanism: MountEventWatch.Mechanism
    ) async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let events = try await HostFixture.inOwnMountNamespace {
                _ = try Self.mountMemory(on: target)
                let watch = try MountEventWatch.open(preferring: mechanism)
                let flags = UInt(MS_REMOUNT | MS_BIND | MS_RDONLY)
                try HostFixture.check(mount("none", target.string, nil, flags, nil), "mount")
                let events = try watch.drain()
                try HostFixture.check(umount2(target.string, 0), "umount2")
                return events
            }
            #expect(events == (mechanism == .fanotify ? .none : .everything))
        }
    }

    @Test func `A detached mount is an event when it is attached`() async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let (before, after, mount) = try await HostFixture.inOwnMountNamespace {
                let watch = try MountEventWatch.open()
                let createCommand = UInt32(FSCONFIG_CMD_CREATE.rawValue)
                let context = OwnedDescriptor(owning: fsopen("tmpfs", UInt32(FSOPEN_CLOEXEC)))
                let create = fsconfig(context.rawValue, createCommand, nil, nil, 0)
                try HostFixture.check(create, "fsconfig")
                let detached = OwnedDescriptor(owning: fsmount(context.rawValue, UInt32(FSMOUNT_CLOEXEC), 0))
                let before = try watch.drain()
                let moved = move_mount(detached.rawValue, "", AT_FDCWD, target.string, UInt32(MOVE_MOUNT_F_EMPTY_PATH))
                try HostFixture.check(moved, "move_mount")
                try detached.close()
                let after = try watch.drain()
                let mount = try Self.mountID(at: target)
                try HostFixture.check(umount2(target.string, 0), "umount2")
                return (before, after, mount)
            }
            #expect(before == .none)
            #expect(after == .mounts([MountEvent(mount, attached: true, detached: false)]))
        }
    }

    @Test func `More events than the kernel keeps are everything, and the watch goes on after it`() async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let text = try String(contentsOfFile: "/proc/sys/fs/fanotify/max_queued_events", encoding: .utf8)
            let limit = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            let (first, second, third, mount) = try await HostFixture.inOwnMountNamespace {
                let watch = try MountEventWatch.open()
                for _ in 0...limit / 2 {
                    try HostFixture.check(Glibc.mount("test", target.string, "tmpfs", 0, nil), "mount")
                    try HostFixture.check(umount2(target.string, 0), "umount2")
                }
                let first = try watch.drain()
                let second = try watch.drain()
                let mount = try Self.mountMemory(on: target)
                let third = try watch.drain()
                try HostFixture.check(umount2(target.string, 0), "umount2")
                return (first, second, third, mount)
            }
            #expect(first == .everything)
            #expect(second == .none)
            #expect(third == .mounts([MountEvent(mount, attached: true, detached: false)]))
        }
    }

    @Test func `A thousand events, more than one read gives, come in one drain and in order`() async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let (events, mounts) = try await HostFixture.inOwnMountNamespace {
                let watch = try MountEventWatch.open()
                var mounts: [KernelMountID] = []
                for _ in 0..<500 {
                    mounts.append(try Self.mountMemory(on: target))
                    try HostFixture.check(umount2(target.string, 0), "umount2")
                }
                return (try watch.drain(), mounts)
            }
            let expected = mounts.flatMap {
                [MountEvent($0, attached: true, detached: false), MountEvent($0, attached: false, detached: true)]
            }
            #expect(events == .mounts(expected))
        }
    }

    @Test(arguments: MountEventWatch.Mechanism.allCases)
    func `A wait ends with a change, with a wake-up from elsewhere, or with the time`(
        mechanism: MountEventWatch.Mechanism
    ) async throws {
        try await withoutLeaks {
            try await HostFolder.with { folder in
                let target = try folder.makeFolder("a")
                let (wakeups, events) = try await HostFixture.inOwnMountNamespace {
                    let watch = try MountEventWatch.open(preferring: mechanism)
                    var wakeups = [try watch.wait(timeout: .milliseconds(1))]
                    // A wake-up before the wait is not lost; two are one.
                    try watch.wake()
                    try watch.wake()
                    wakeups.append(try watch.wait())
                    wakeups.append(try watch.wait(timeout: .zero))
                    // From another thread, whichever of the two is first.
                    try HostFixture.onOtherThread(whileRunning: { try watch.wake() }) {
                        wakeups.append(try watch.wait())
                    }
                    _ = try Self.mountMemory(on: target)
                    try watch.wake()
                    wakeups.append(try watch.wait())
                    let events = try watch.drain()
                    wakeups.append(try watch.wait())
                    try HostFixture.check(umount2(target.string, 0), "umount2")
                    return (wakeups, events)
                }
                #expect(wakeups == [.timedOut, .woken, .timedOut, .woken, .changed, .woken])
                #expect(events != .none)
            }
        }
    }

    @Test(arguments: MountEventWatch.Mechanism.allCases)
    func `Waiting and polling the descriptor take nothing away from a drain`(
        mechanism: MountEventWatch.Mechanism
    ) async throws {
        try await HostFolder.with { folder in
            let target = try folder.makeFolder("a")
            let (ready, wakeup, events) = try await HostFixture.inOwnMountNamespace {
                let watch = try MountEventWatch.open(preferring: mechanism)
                try HostFixture.check(mount("test", target.string, "tmpfs", 0, nil), "mount")
                let wakeup = try watch.wait(timeout: .zero)
                try HostFixture.check(umount2(target.string, 0), "umount2")
                let interest = Int16(mechanism == .fanotify ? POLLIN : POLLPRI)
                var polled = pollfd(fd: watch.descriptor, events: interest, revents: 0)
                let ready = poll(&polled, 1, 0)
                return (ready, wakeup, try watch.drain())
            }
            #expect(ready == 1)
            #expect(wakeup == .changed)
            #expect(events != .none)
        }
    }

    // MARK: -

    private struct Observation: Sendable {
        let step: String
        let events: MountEvents
        let mounts: [KernelMountID]

        func expected(with mechanism: MountEventWatch.Mechanism) -> MountEvents {
            guard step != "nothing" else { return .none }
            guard mechanism == .fanotify else { return .everything }
            let attached = step.hasPrefix("mounted") || step == "moved"
            let detached = step == "unmounted" || step == "moved" || step == "detached"
            return .mounts(mounts.map { MountEvent($0, attached: attached, detached: detached) })
        }
    }

    private static func mountMemory(on target: FilePath) throws -> KernelMountID {
        try HostFixture.check(mount("test", target.string, "tmpfs", 0, nil), "mount")
        return try mountID(at: target)
    }

    private static func mountID(at target: FilePath) throws -> KernelMountID {
        var status = hf_statx()
        let unique = UInt32(HF_STATX_MNT_ID_UNIQUE)
        let answer = hf_statx(-1, target.string, UInt32(HF_AT_SYMLINK_NOFOLLOW), unique, &status)
        try SystemCallError.check(answer, "statx", on: target.string)
        try #require(status.mask & unique != 0)
        return KernelMountID(rawValue: status.mount_id)
    }

    private static func kernelVersion() throws -> (Int, Int) {
        let text = try String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
        let parts = text.split(separator: ".")
        return (try #require(Int(parts[0])), try #require(Int(parts[1].prefix { $0.isNumber })))
    }

    private func withoutLeaks(_ body: () async throws -> Void) async throws {
        func groups() throws -> Int { try HostFixture.openFiles().values.count { $0.contains("fanotify") } }
        let before = try groups()
        try await body()
        #expect(try groups() == before)
    }
}

extension MountEvent {
    fileprivate init(_ mount: KernelMountID, attached: Bool, detached: Bool) {
        self.init(mount: mount, attached: attached, detached: detached)
    }
}
