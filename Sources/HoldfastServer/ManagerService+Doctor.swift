// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
public import HoldfastAPI
internal import MountManager
public import MountModel
internal import SystemPackage

extension ManagerService {
    /// What the daemon's host has to tell; one diagnosis at a time.
    public func doctor() async throws(MountError) -> DoctorResponse {
        DoctorResponse(findings: await diagnosis.findings().map(DoctorResponse.Entry.init))
    }

    /// A mount that no record accounts for, as far as the kernel tells.
    func detail(of mount: UnrecordedMount) -> MountDetail {
        let problem = MountError(
            .foreign, "Holdfast has no record of this mount, and never touches it",
            context: MountError.Context(operation: "list", type: mount.type, target: mount.path.string),
            hint: "'holdfast doctor' says what to do about it")
        return MountDetail(
            mount: MountSummary(
                id: Identifier.mount(at: mount.path), mountpoint: mount.path.string, type: mount.type,
                source: mount.source, options: [], state: "unrecorded", kernelMountID: mount.id.rawValue,
                problem: Problem(problem)),
            attachments: [])
    }

    /// The same for `verify`.
    func entry(for mount: UnrecordedMount) -> VerifyResponse.Entry {
        VerifyResponse.Entry(
            id: Identifier.mount(at: mount.path), mountpoint: mount.path.string, result: "unrecorded",
            expected: "nothing that is recorded", found: "mount \(mount.id): \(mount.type) \(mount.source)")
    }
}
