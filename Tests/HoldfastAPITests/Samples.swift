// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel

/// Values as the daemon would send them.
enum Samples {
    static let mount = MountSummary(
        id: "m-1", mountpoint: "/run/holdfast/mounts/data", type: "ext4", source: "/dev/vdb",
        options: ["ro", "data=ordered"], state: "mounted", kernelMountID: 4_294_967_400)
    static let attachment = AttachmentSummary(
        id: "a-1", mountID: "m-1", consumer: "vm-1", volume: ".", ownerUID: 1000, lease: "explicit",
        path: "/run/holdfast/mounts/data")
    static let second = AttachmentSummary(
        id: "a-2", mountID: "m-1", consumer: "vm-2", volume: "disk.img", ownerUID: 0, lease: "persistent",
        path: "/run/holdfast/mounts/data/disk.img")
    static let attached = AttachResponse(attachment: attachment, mount: mount, created: true)
    static let plan = PlanResponse(
        verdict: "use_existing", reason: "it is mounted there, with 2 attachments", type: "nfs",
        typeOrigin: "inferred", sourceGiven: "Host:/a/", source: "host:/a",
        options: .init(
            superblock: ["vers=4.2"], mount: ["nosuid", "nodev", "ro"], added: ["nosuid", "nodev"], ignored: ["rw"]),
        build: .init(method: "helper", program: "mount.nfs", kernelSuffices: true), mountpoint: "/m", path: "/m/v",
        server: "host")
    static var refusedPlan: PlanResponse {
        var plan = plan
        (plan.verdict, plan.reason, plan.problem) = ("refused", problem.detail, problem)
        (plan.source, plan.build, plan.server) = (plan.sourceGiven, .init(method: "device_or_image"), nil)
        plan.mount = detail
        return plan
    }
    static let detail = MountDetail(mount: mount, attachments: [attachment, second])
    static let list = MountList(mounts: [detail])
    static let status = StatusResponse(
        version: "0.1.0", pid: 42, uptimeSeconds: 93_784.5, bootID: "b-1", mountRoot: "/run/holdfast/mounts",
        mounts: ["mounted": 2, "lingering": 1, "lost": 0], attachments: 5,
        limits: ["mounts": LimitUse(used: 3, limit: 100), "attachments": LimitUse(used: 95, limit: 100)],
        kernelFeatures: ["statmount": true, "mount_events": false],
        workers: ["running": 3, "stuck": 1, "killed": 2])
    static let verified = VerifyResponse(mounts: [
        .init(id: "m-1", mountpoint: "/m/a", result: "ok", expected: "ext4 /dev/vdb", found: "ext4 /dev/vdb"),
        .init(id: "m-2", mountpoint: "/m/b", result: "replaced", expected: "mount 5", found: "mount 9"),
    ])
    static let diagnosis = DoctorResponse(findings: [
        .init(
            code: "state_disk_full", severity: "error", what: "the disk is full", why: "nothing can be recorded",
            action: "free space"),
        .init(code: "ledger_moved_aside", severity: "notice", what: "an old ledger", why: "kept", action: "remove it"),
    ])
    static let problem = Problem(
        MountError(
            .mountFailed, "cannot mount /dev/vdb on /m/a: Invalid argument",
            context: .init(
                operation: "build", type: "ext4", source: "/dev/vdb", target: "/m/a", systemCall: "fsconfig", errno: 22,
                kernelMessages: ["ext4: Bad value for 'data'"]),
            hint: "see 'man 5 ext4'"))

    static func json(_ value: some Encodable) throws -> String {
        String(decoding: try APIJSON.encode(value), as: UTF8.self)
    }

    /// A complete response as the daemon sends it.
    static func response(_ value: some Encodable, status: Int = 200) throws -> [UInt8] {
        let body = try APIJSON.encode(value)
        return Array("HTTP/1.1 \(status) Text\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
    }

    /// The same in chunks of `size` bytes, the last but one with an extension, and with a trailer.
    static func chunkedResponse(_ value: some Encodable, size: Int) throws -> [UInt8] {
        var rest = try APIJSON.encode(value)[...]
        var bytes = Array("HTTP/1.1 200 OK\r\ntransfer-encoding:  Chunked \r\n\r\n".utf8)
        while !rest.isEmpty {
            let chunk = rest.prefix(size)
            rest = rest.dropFirst(size)
            bytes += Array("\(String(chunk.count, radix: 16))\(rest.isEmpty ? " ; last" : "")\r\n".utf8) + chunk
            bytes += Array("\r\n".utf8)
        }
        return bytes + Array("0\r\nX-Trailer: 1\r\n\r\n".utf8)
    }
}
