// SPDX-License-Identifier: Apache-2.0

internal import Diagnosis
internal import Dispatch
internal import LinuxMount
public import MountModel
internal import NIOConcurrencyHelpers
internal import SystemPackage

extension LinuxHost {
    /// What is wrong on this host, as far as the daemon can tell, the worst first.
    ///
    /// The caller's thread is not blocked; looking at the folders takes as long as their filesystems do, and a thread
    /// for each call: whoever lets others call it lets one in at a time, as the server does.
    public func diagnose() async -> [Finding] {
        let folders = await lookAtFolders()
        // A filesystem that the kernel has made read-only is reported by no event.
        _ = await manager.lookForDrift(within: .seconds(2))
        return (await knownFindings() + folders).sortedBySeverity()
    }

    /// Those of them that are known without a look at the folders, which may hang.
    public func knownFindings() async -> [Finding] {
        var findings = await manager.readOnlyReason.map { [$0.finding] } ?? []
        if let hung = await manager.hungBuilds() {
            findings.append(
                Finding(
                    "builds_taken", .error, what: hung.message,
                    why: "nothing is mounted until one of them ends; mounts that are there, and detaches, go on",
                    action: hung.hint ?? ""))
        }
        if let hung = await threads.hungLooks() {
            findings.append(
                Finding(
                    "looks_taken", .error, what: hung.message,
                    why: "attaches that do not name the type of a device, an image or a folder wait for one of them",
                    action: hung.hint ?? ""))
        }
        for listing in await manager.list() { findings += Self.finding(about: listing.status) }
        for id in threads.leftParked.withLockedValue({ $0.sorted() }) { findings.append(finding(aboutParked: id)) }
        if let groups = workers?.groups { findings += Self.findings(aboutLeftIn: groups) }
        for mount in await manager.unrecordedMounts() { findings.append(finding(about: mount)) }
        return findings
    }

    private func lookAtFolders() async -> [Finding] {
        await withCheckedContinuation { continuation in
            // Seldom asked for, and by one at a time: a thread of the system's will do.
            DispatchQueue.global().async { continuation.resume(returning: self.folderFindings()) }
        }
    }

    private func folderFindings() -> [Finding] {
        var findings = StateFolderFacts(lookingAt: options.stateFolder.path).findings()
        findings += FolderFacts(lookingAt: options.runtimeFolder.path).runtimeFindings()
        do throws(SystemCallError) {
            findings += try MountRootFacts(lookingAt: root.path, table: root.table, expected: root.id).findings
        } catch {
            findings.append(
                Finding(
                    "host_unknown", .warning, what: "the mount table cannot be looked at: \(error)",
                    why: "this check is incomplete", action: "has holdfastd CAP_SYS_ADMIN?"))
        }
        do throws(SystemCallError) {
            if try !MountNamespace.isInitial() { findings.append(Self.privateNamespace) }
        } catch {
            findings.append(
                Finding(
                    "namespace_unknown", .notice,
                    what: "whether this is the host's mount namespace cannot be told: \(error)",
                    why: "in another one the host does not see what is mounted; --allow-private-namespace was given",
                    action: "give holdfastd CAP_SYS_PTRACE, and leave the flag away"))
        }
        return findings
    }

    private static var privateNamespace: Finding {
        Finding(
            "private_namespace", .warning, what: "holdfastd runs in a mount namespace that is not the host's",
            why: "the host does not see what it mounts",
            action: "if that is not meant, start it outside of containers and unshare(1), without "
                + "--allow-private-namespace")
    }

    /// Where the kernel is not as it was wanted.
    private static func finding(about status: MountStatus) -> [Finding] {
        let isQuiet: Bool =
            switch status.phase {
            case .mounted: status.problem == nil
            case .lost, .foreign, .moved, .stuck, .lingering: false
            default: true
            }
        if isQuiet { return [] }
        let phase = status.state == "mounted" ? "drifted" : status.state
        return [
            Finding(
                "mount_\(phase)", status.phase == .stuck ? .error : .warning,
                what: "\(status.source) at \(status.mountpoint) is \(phase)",
                why: status.problem?.message ?? "the kernel does not show what was asked for",
                action: status.problem?.hint ?? "see 'holdfast show \(status.mountpoint)'")
        ]
    }

    private func finding(aboutParked id: KernelMountID) -> Finding {
        Finding(
            "mount_parked", .warning,
            what: "mount \(id) has left its mountpoint, and is in use still: \(parking.path)/\(id)",
            why: "its filesystem did not answer when nobody needed it any more; its mountpoint is free",
            action: "it is unmounted when its last user has left: see 'fuser -vm \(parking.path)/\(id)'")
    }

    private static func findings(aboutLeftIn groups: HelperGroups) -> [Finding] {
        let left: [KernelMountID: ControlGroup]
        do throws(SystemCallError) { left = try groups.left() } catch {
            return [
                Finding(
                    "helpers_unknown", .notice, what: "what helper programs have left cannot be looked at: \(error)",
                    why: "this check is incomplete", action: "are the control groups (cgroup v2) as they were?")
            ]
        }
        return left.sorted { $0.key < $1.key }.map { id, group in
            Finding(
                "helper_left", .notice,
                what: "the program that served mount \(id) lives on although the mount is gone: see "
                    + "\(group.path)/cgroup.procs",
                why: "it may be bringing what was written to its server; if not, it holds memory, and the host's "
                    + "filesystems in its mount namespace",
                action: "if it does not end by itself: 'echo 1 >\(group.path)/cgroup.kill'; what it has not written "
                    + "yet is lost then")
        }
    }

    private func finding(about mount: UnrecordedMount) -> Finding {
        Finding(
            "unrecorded_mount", .warning,
            what:
                "mount \(mount.id) at \(mount.path) (\(mount.type) \(InputText.quoted(mount.source))) is in no record",
            why: "Holdfast does not know who uses it, never touches it, and attaches nothing at its place",
            action: "see who uses it ('fuser -vm \(mount.path)'); when nobody does, 'umount \(mount.path)'")
    }
}
