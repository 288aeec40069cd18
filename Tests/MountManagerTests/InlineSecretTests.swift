// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import MountTestSupport
import Testing

@testable import MountManager

/// Secrets that come with a request: whom they share a mount with, and what becomes of it without them.
@Suite struct InlineSecretTests {
    private let mountpoint: Mountpoint

    init() throws { mountpoint = try Mountpoint("/root/data") }

    /// Attaches with a secret; the kernel refuses to build without it.
    @discardableResult
    private func attach(
        _ consumer: String, _ secret: String, to harness: ManagerHarness, lease: Lease = .explicit
    ) async throws -> AttachResult {
        let secrets = ["IdentityFile": Secret(secret)]
        let source = try FilesystemCatalog.standard.source(
            type: FilesystemType(rawValue: "sshfs"), source: "host:/srv", options: [], secrets: secrets)
        return try await harness.manager.attach(
            AttachOrder(
                source: source, secrets: secrets, mountpoint: mountpoint, key: try ManagerHarness.key(consumer),
                owner: 0, lease: lease))
    }

    private func error(
        _ consumer: String, _ secret: String, to harness: ManagerHarness, lease: Lease = .explicit
    ) async throws -> MountError {
        var refusal: MountError?
        do { try await attach(consumer, secret, to: harness, lease: lease) } catch { refusal = error as? MountError }
        let error = try #require(refusal)
        #expect(!"\(error)".contains(secret))
        return error
    }

    @Test func whoBringsTheSameSecretSharesTheMountAndNobodyElse() async throws {
        let harness = try await ManagerHarness()
        let first = try await attach("vm-1", "hunter-1", to: harness)
        #expect(first.mount.source.options == [MountOption("IdentityFile", "inline")])
        #expect(try await attach("vm-2", "hunter-1\n", to: harness).mount.mountID == first.mount.mountID)
        #expect(try await attach("vm-1", "hunter-1", to: harness).created == false)
        let conflict = try await error("vm-3", "hunter-2", to: harness)
        #expect(conflict.code == .conflict)
        #expect(conflict.message.contains("for vm-1, vm-2 with another secret"))
        // Who has a path instead asks for other options.
        let path = MountSource(
            type: FilesystemType(rawValue: "sshfs"), source: "host:/srv", options: [MountOption("IdentityFile", "/k")])
        #expect(try await harness.attachError("vm-3", to: path)?.message.contains("it holds sshfs") == true)
        #expect(harness.kernel.count(.build) == 1)
        for consumer in ["vm-1", "vm-2"] { try await harness.detach(consumer) }
        try await attach("vm-3", "hunter-2", to: harness)
        try await harness.detach("vm-3")
        #expect(await harness.leftovers() == [])
    }

    @Test func aSecretThatWouldHaveToBeKeptIsRefused() async throws {
        let harness = try await ManagerHarness()
        let refused = try await error("vm-1", "hunter-1", to: harness, lease: .persistent)
        #expect(refused.code == .invalidArgument)
        #expect(refused.hint?.contains("IdentityFile") == true && refused.hint?.contains("0600") == true)
        try await attach("vm-1", "hunter-1", to: harness)
        #expect(try await error("vm-1", "hunter-1", to: harness, lease: .persistent).code == .invalidArgument)
        try await harness.detach("vm-1")
        #expect(await harness.leftovers() == [])
    }

    @Test func aSourceWithoutItsSecretIsRefused() async throws {
        let harness = try await ManagerHarness()
        let source = MountSource(
            type: FilesystemType(rawValue: "sshfs"), source: "host:/srv",
            options: [MountOption("IdentityFile", "inline")])
        #expect(try await harness.attachError("vm-1", to: source)?.code == .invalidArgument)
    }

    @Test func aMountThatIsGoneIsMountedAgainByWhoBringsTheSecret() async throws {
        let harness = try await ManagerHarness()
        let first = try await attach("vm-1", "hunter-1", to: harness)
        harness.kernel.unmountTop(at: mountpoint)
        _ = await harness.manager.list()
        try await harness.settle()
        #expect(try await harness.phase() == .lost)
        let problem = try #require(await harness.manager.listing(at: mountpoint)?.status.problem)
        #expect(problem.message.contains("is not kept") && problem.hint?.contains("attach again") == true)
        #expect(harness.kernel.count(.build) == 1)
        #expect(try await error("vm-2", "hunter-2", to: harness).code == .conflict)
        let again = try await attach("vm-1", "hunter-1", to: harness)
        #expect(again.created == false && again.mount.mountID != first.mount.mountID)
        #expect(try await harness.phase() == .mounted)
        try await harness.detach("vm-1")
        #expect(await harness.leftovers() == [])
    }

    @Test func itsAttributesAreGivenBackWithoutIt() async throws {
        let harness = try await ManagerHarness()
        try await attach("vm-1", "hunter-1", to: harness)
        harness.kernel.remountTop(at: mountpoint, as: "without nosuid")
        #expect(await harness.manager.lookForDrift())
        try await harness.settle()
        #expect(harness.kernel.driftOfTop(at: mountpoint) == nil)
        try await harness.detach("vm-1")
    }

    @Test(arguments: [false, true]) func theNextManagerKeepsTheMountAndComparesNothing(isLost: Bool) async throws {
        let before = try await ManagerHarness()
        try await attach("vm-1", "hunter-1", to: before)
        if isLost { before.kernel.unmountTop(at: mountpoint) }
        let harness = try await ManagerHarness(
            kernel: before.kernel, ledger: MemoryLedger(await before.ledger.contents))
        try await harness.settle()
        #expect(try await harness.phase() == (isLost ? .lost : .mounted))
        let conflict = try await error("vm-1", "hunter-1", to: harness)
        #expect(conflict.code == .conflict)
        #expect(conflict.message.contains("cannot be compared, because the daemon was started anew"))
        #expect(conflict.hint?.contains("detach") == true)
        #expect(harness.kernel.count(.build) == 1)
        try await harness.detach("vm-1")
        try await attach("vm-1", "hunter-1", to: harness)
        try await harness.detach("vm-1")
        #expect(await harness.leftovers() == [])
    }

    @Test func aRebootEndsItsAttachments() async throws {
        let before = try await ManagerHarness()
        try await attach("vm-1", "hunter-1", to: before)
        let harness = try await ManagerHarness(ledger: MemoryLedger(await before.ledger.contents), boot: "boot-2")
        try await harness.settle()
        #expect(await harness.leftovers() == [])
        #expect(harness.kernel.count(.build) == 0)
    }

    @Test func aMarkTellsEqualFromOtherAndIsNoDigestOfTheSecretAlone() {
        let (mark, other) = (SecretMark(), SecretMark())
        let secrets = ["a": Secret("1"), "b": Secret("2")]
        #expect(mark.digest(of: secrets) == mark.digest(of: secrets))
        #expect(mark.digest(of: secrets).count == 64)
        #expect(mark.digest(of: secrets) != other.digest(of: secrets))
        for different in [
            ["a": Secret("1")], ["a": Secret("2"), "b": Secret("1")], ["c": Secret("1"), "b": Secret("2")],
        ] {
            #expect(mark.digest(of: different) != mark.digest(of: secrets))
        }
    }
}
