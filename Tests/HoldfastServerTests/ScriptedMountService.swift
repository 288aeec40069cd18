// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel

/// A mount manager that does what the test tells it to and remembers what it was asked.
actor ScriptedMountService: MountService {
    /// One call as it came.
    enum Call: Hashable, Sendable {
        case attach(AttachRequest, Caller)
        case plan(AttachRequest, Caller)
        case detachByID(String, timeout: Double?, Caller)
        case detach(DetachSelector, timeout: Double?, Caller)
        case mounts, mount(String), attachments, attachment(String), verify, status, doctor
    }

    private(set) var calls: [Call] = []
    /// How many attaches were withdrawn by the cancellation of their task.
    private(set) var withdrawn = 0
    private var failure: MountError?
    private var created = true
    private var unreadiness: MountError?
    private var holding = false
    private var held: [AsyncStream<Never>.Continuation] = []
    private var watchers: [AsyncStream<Void>.Continuation] = []
    private var mountCount = 1

    /// From now on every call fails with this.
    func fail(with error: MountError?) { failure = error }
    /// What `created` says from now on.
    func setCreated(_ created: Bool) { self.created = created }
    /// Why it is not ready from now on; nil where it is.
    func setUnready(_ reason: MountError?) { unreadiness = reason }
    /// How many mounts `mounts` lists from now on.
    func setMountCount(_ count: Int) { mountCount = count }
    /// Attaches wait from now on, until `release` or their cancellation.
    func hold() { holding = true }
    /// Lets the attaches that wait go on, and those to come.
    func release() {
        holding = false
        for continuation in held { continuation.finish() }
        held = []
    }

    /// Waits until this many calls have come.
    func waitForCalls(_ count: Int) async { await wait { self.calls.count >= count } }
    /// Waits until this many attaches were withdrawn.
    func waitForWithdrawals(_ count: Int) async { await wait { self.withdrawn >= count } }

    private func wait(until condition: () -> Bool) async {
        while !condition() {
            let (stream, continuation) = AsyncStream<Void>.makeStream()
            watchers.append(continuation)
            for await _ in stream {}
        }
    }

    private func changed() {
        for watcher in watchers { watcher.finish() }
        watchers = []
    }

    private func record(_ call: Call) throws(MountError) {
        calls.append(call)
        changed()
        if let failure { throw failure }
    }

    func attach(_ request: AttachRequest, caller: Caller) async throws(MountError) -> AttachResponse {
        try record(.attach(request, caller))
        if holding {
            let (stream, continuation) = AsyncStream<Never>.makeStream()
            held.append(continuation)
            for await _ in stream {}
            if Task.isCancelled {
                withdrawn += 1
                changed()
                throw MountError(.cancelled, "withdrawn")
            }
        }
        var answer = Samples.attachResponse
        answer.created = created
        answer.attachment.consumer = request.consumer
        return answer
    }

    func plan(_ request: AttachRequest, caller: Caller) async throws(MountError) -> PlanResponse {
        try record(.plan(request, caller))
        return Samples.planResponse
    }

    func detach(id: String, timeoutSeconds: Double?, caller: Caller) async throws(MountError) -> DetachResponse {
        try record(.detachByID(id, timeout: timeoutSeconds, caller))
        return Samples.detachResponse
    }

    func detach(_ selector: DetachSelector, timeoutSeconds: Double?, caller: Caller) async throws(MountError)
        -> DetachResponse
    {
        try record(.detach(selector, timeout: timeoutSeconds, caller))
        return Samples.detachResponse
    }

    func mounts() async throws(MountError) -> MountList {
        try record(.mounts)
        return MountList(mounts: Array(repeating: Samples.mountDetail, count: mountCount))
    }

    func mount(id: String) async throws(MountError) -> MountDetail {
        try record(.mount(id))
        return Samples.mountDetail
    }

    func attachments() async throws(MountError) -> AttachmentList {
        try record(.attachments)
        return Samples.attachmentList
    }

    func attachment(id: String) async throws(MountError) -> AttachResponse {
        try record(.attachment(id))
        return Samples.attachResponse
    }

    func verify() async throws(MountError) -> VerifyResponse {
        try record(.verify)
        return Samples.verifyResponse
    }

    func status() async throws(MountError) -> StatusResponse {
        try record(.status)
        return Samples.statusResponse
    }

    func doctor() async throws(MountError) -> DoctorResponse {
        try record(.doctor)
        return Samples.doctorResponse
    }

    func checkReadiness() async throws(MountError) {
        if let unreadiness { throw unreadiness }
    }
}
