// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
public import HoldfastAPI
internal import MountManager
public import MountModel

extension ManagerService {
    /// What the same request would do as an attach; nothing is changed.
    public func plan(_ request: AttachRequest, caller: Caller) async throws(MountError) -> PlanResponse {
        let order = try await order(for: request, caller: caller)
        let explanation = try catalog.explanation(of: order.source, askedFor: request.options ?? [])
        let plan = try await manager.plan(order)
        if let problem = plan.problem, problem.code == .internal { throw problem }
        return PlanResponse(
            verdict: plan.verdict.rawValue, reason: plan.reason, type: order.source.type.rawValue,
            typeOrigin: request.type == nil ? "inferred" : "given", sourceGiven: request.source,
            source: order.source.source,
            options: PlanResponse.Options(
                superblock: explanation.superblock, mount: explanation.mount, added: explanation.added,
                ignored: explanation.ignored),
            build: PlanResponse.Build(
                method: explanation.method.rawValue, program: explanation.program,
                kernelSuffices: explanation.kernelSuffices),
            mountpoint: plan.mountpoint?.description,
            path: plan.mountpoint.map { path(of: order.key.volume, at: $0) }, server: explanation.server,
            mount: plan.listing.map { detail(of: $0) }, problem: plan.problem.map(Problem.init))
    }
}
