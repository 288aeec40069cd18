// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel

/// One value of each of the API's types, with every optional member present.
enum Samples {
    static let error: MountError = {
        var error = MountError(
            .busy, "cannot unmount /m",
            context: .init(
                operation: "unmount", type: "tmpfs", source: "scratch", target: "/m", systemCall: "umount2", errno: 16,
                kernelMessages: ["busy"]), hint: "wait")
        error.cleanupFailures = ["rmdir"]
        return error
    }()
    static let problem = Problem(error)
    static let attachRequest = AttachRequest(
        source: "scratch", consumer: "job", volume: "v", type: "tmpfs", options: ["size=1m"],
        secrets: ["key": Secret("s")], at: "/m", lease: "persistent", timeoutSeconds: 2.5)
    static let mount = MountSummary(
        id: "m-1", mountpoint: "/m", type: "tmpfs", source: "scratch", options: ["size=1m"], state: "mounted",
        kernelMountID: .max, problem: problem)
    static let attachment = AttachmentSummary(
        id: "a-1", mountID: "m-1", consumer: "job", volume: ".", ownerUID: 0, lease: "explicit", path: "/m")
    static let attachResponse = AttachResponse(attachment: attachment, mount: mount, created: true)
    static let planOptions = PlanResponse.Options(
        superblock: ["size=1m"], mount: ["nosuid"], added: ["nosuid"], ignored: ["rw"])
    static let planBuild = PlanResponse.Build(method: "helper", program: "mount.nfs", kernelSuffices: true)
    static let planResponse = PlanResponse(
        verdict: "conflict", reason: "why", type: "tmpfs", typeOrigin: "given", sourceGiven: "scratch",
        source: "scratch", options: planOptions, build: planBuild, mountpoint: "/m", path: "/m/v", server: "server",
        mount: mountDetail, problem: problem)
    static let detachResponse = DetachResponse(detached: true, mountState: "lingering", problem: problem)
    static let mountDetail = MountDetail(mount: mount, attachments: [attachment])
    static let mountList = MountList(mounts: [mountDetail])
    static let attachmentList = AttachmentList(attachments: [attachment])
    static let verifyEntry = VerifyResponse.Entry(
        id: "m-1", mountpoint: "/m", result: "missing", expected: "tmpfs", found: "nothing")
    static let verifyResponse = VerifyResponse(mounts: [verifyEntry])
    static let limitUse = LimitUse(used: 1, limit: 2)
    static let statusResponse = StatusResponse(
        version: "1", pid: 1, uptimeSeconds: 1.5, bootID: "b", mountRoot: "/m", mounts: ["mounted": 1], attachments: 1,
        limits: ["mounts": limitUse], kernelFeatures: ["statmount": true],
        workers: ["running": 1, "stuck": 0, "killed": 2], ledger: ["commits": 3],
        readOnly: Problem(MountError(.unavailable, "read-only")))
    static let finding = DoctorResponse.Entry(
        code: "state_disk_full", severity: "error", what: "what", why: "why", action: "action")
    static let doctorResponse = DoctorResponse(findings: [finding])
}
