// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import HoldfastAPI
internal import LinuxMount
internal import SystemPackage

/// Compares what the daemon lists with the kernel's tables and the folders on disk: each mount there exactly once, and
/// nothing besides.
struct HostCheck {
    let world: World

    /// The attachments in a list; what is in it and nobody's is a complaint.
    func attachments(in list: MountList) -> (found: [LoadKey: HeldAttachment], complaints: [String]) {
        var found: [LoadKey: HeldAttachment] = [:]
        var complaints: [String] = []
        for mount in list.mounts {
            guard let source = world.source(of: mount.mount) else {
                complaints.append("listed, and nobody's: \(mount.mount.source) at \(mount.mount.mountpoint)")
                continue
            }
            for attachment in mount.attachments {
                let key = LoadKey(source: source, consumer: attachment.consumer, volume: attachment.volume)
                if found.updateValue(HeldAttachment(attachment), forKey: key) != nil {
                    complaints.append("listed twice: \(key)")
                }
            }
        }
        return (found, complaints)
    }

    /// What is not, or not yet, as it is at rest.
    func complaints(about list: MountList) throws -> [String] {
        var complaints: [String] = []
        for mount in list.mounts where mount.mount.state != "mounted" || mount.attachments.isEmpty {
            complaints.append(
                "\(mount.mount.mountpoint) is \(mount.mount.state) with \(mount.attachments.count) attachments: "
                    + (mount.mount.problem?.detail ?? "no problem"))
        }
        complaints += try kernelComplaints(list)
        complaints += loopComplaints(list)
        complaints += folderComplaints(Set(list.mounts.map(\.mount.mountpoint)))
        return complaints
    }

    private func kernelComplaints(_ list: MountList) throws -> [String] {
        var complaints: [String] = []
        let kernel = try world.managedMounts()
        let byPlace = Dictionary(grouping: kernel) { $0.mountpoint?.string ?? "" }
        for mount in list.mounts.map(\.mount) {
            let there = byPlace[mount.mountpoint] ?? []
            if there.count != 1 || there.first?.id.rawValue != mount.kernelMountID {
                complaints.append("\(mount.mountpoint): listed \(mount.kernelMountID ?? 0), mounted \(there.map(\.id))")
            }
        }
        let listed = Set(list.mounts.map(\.mount.mountpoint))
        for (place, entries) in byPlace where !listed.contains(place) {
            complaints.append("mounted and not listed: \(place), \(entries.map(\.filesystemType))")
        }
        if try MountTable.current.entries(at: FilePath(world.mountRoot)).count != 1 {
            complaints.append("the mount root is not mounted exactly once")
        }
        let parking = try MountTable.current.entries(beneath: FilePath(world.runtimeFolder)).map(\.mountpoint?.string)
        if parking != [world.runtimeFolder + "/parking"] { complaints.append("parked: \(parking)") }
        let slots = try FileManager.default.contentsOfDirectory(atPath: world.runtimeFolder + "/parking")
        if !slots.isEmpty { complaints.append("slots left: \(slots)") }
        return complaints
    }

    private func loopComplaints(_ list: MountList) -> [String] {
        let wanted = list.mounts.compactMap { world.source(of: $0.mount).flatMap { world.sources[$0].image } }.sorted()
        let there = world.loopImages()
        return wanted == there ? [] : ["loop devices on \(there), wanted on \(wanted)"]
    }

    /// Each folder beneath the root is a mountpoint, on the way to one, or somebody else's.
    private func folderComplaints(_ mountpoints: Set<String>) -> [String] {
        var complaints: [String] = []
        var pending = [world.mountRoot]
        while let folder = pending.popLast() {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                let path = folder + "/" + name
                if mountpoints.contains(path) { continue }
                var facts = stat()
                guard lstat(path, &facts) == 0, facts.st_uid != 65534 else { continue }
                if mountpoints.contains(where: { $0.hasPrefix(path + "/") }) {
                    pending.append(path)
                } else {
                    complaints.append("left over: \(path), mode \(String(facts.st_mode, radix: 8))")
                }
            }
        }
        return complaints
    }

    /// What is wrong with the files that were written through mounts that must still be there.
    func fileComplaints(_ records: [LoadKey: KeyRecord], in list: MountList) -> [String] {
        let ids = Dictionary(list.mounts.map { ($0.mount.mountpoint, $0.mount.kernelMountID) }) { first, _ in first }
        var complaints: [String] = []
        for (key, record) in records {
            guard record.knowledge == .there, let file = record.file else { continue }
            let folder = (file.path as NSString).deletingLastPathComponent
            if let id = file.mountID, ids[folder] != id {
                complaints.append("\(key): mount \(id) was replaced under its users")
            }
            let content = try? String(contentsOfFile: file.path, encoding: .utf8)
            if content != file.content {
                complaints.append("\(key): \(file.path) has \(content ?? "nothing"), written was \(file.content)")
            }
        }
        return complaints
    }

    /// What is left when everything was detached and the daemon has ended.
    func leftovers() throws -> [String] {
        var left = try MountTable.current.entries(beneath: FilePath(world.folder)).compactMap(\.mountpoint?.string)
        left.removeAll { $0 == world.folder + "/media" || $0 == world.stateFolder }
        left += world.loopImages().map { "loop device on \($0)" }
        left += folderComplaints([])
        return left
    }
}
