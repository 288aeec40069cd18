// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// What a server of the HTTP API asks of the mount manager, in the API's own types.
///
/// Nothing here blocks a thread; each call is answered once, with a value or a `MountError`.
public protocol MountService: Sendable {
    /// Attaches, mounting where need be. Cancelling the task withdraws the request.
    func attach(_ request: AttachRequest, caller: Caller) async throws(MountError) -> AttachResponse
    /// Says what the same attach would do, and changes nothing.
    func plan(_ request: AttachRequest, caller: Caller) async throws(MountError) -> PlanResponse
    /// Ends the attachment with this id and waits, within `timeoutSeconds`, for the mount to settle.
    func detach(id: String, timeoutSeconds: Double?, caller: Caller) async throws(MountError) -> DetachResponse
    /// Ends the attachment that the selector names and waits, within `timeoutSeconds`, for the mount to settle.
    func detach(_ selector: DetachSelector, timeoutSeconds: Double?, caller: Caller) async throws(MountError)
        -> DetachResponse
    /// All mounts with their attachments.
    func mounts() async throws(MountError) -> MountList
    /// One mount; `not_found` if there is none by this id.
    func mount(id: String) async throws(MountError) -> MountDetail
    /// All attachments.
    func attachments() async throws(MountError) -> AttachmentList
    /// One attachment; `not_found` if there is none by this id.
    func attachment(id: String) async throws(MountError) -> AttachResponse
    /// Asks the kernel about every mount.
    func verify() async throws(MountError) -> VerifyResponse
    /// The daemon about itself.
    func status() async throws(MountError) -> StatusResponse
    /// What is wrong on this host, and what to do about it.
    func doctor() async throws(MountError) -> DoctorResponse
    /// Returns where mounts can be attached; throws `unavailable`, with why, before recovery has been started and where
    /// the daemon changes nothing.
    func checkReadiness() async throws(MountError)
}

/// Who is asking, in the kernel's word (`man 7 unix`, SO_PEERCRED).
public struct Caller: Hashable, Sendable {
    /// The process id at the time of the connection.
    public var pid: Int32
    /// The effective user id.
    public var uid: UInt32
    /// The effective group id.
    public var gid: UInt32

    /// Puts the parts together.
    public init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }
}
