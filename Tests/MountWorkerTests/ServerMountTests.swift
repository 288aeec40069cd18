// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Foundation
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountWorker

/// What the kernel mounts by itself because the program is not installed. The filesystem is one that this kernel has:
/// it needs no server, and refuses what only one with a server has.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ServerMountTests {
    private func build(
        _ kernel: KernelMount, _ parameters: [MountRecipe.Parameter] = [], type: String = "tmpfs", in site: WorkerSite
    ) throws(OperationFailure) -> DetachedMount {
        let program = HelperProgram(name: "mount.no-such", style: .mountHelper, source: "server:/a", kernel: kernel)
        var recipe = WorkerSite.recipe(type, .helper(program), [.noExecute])
        recipe.parameters = parameters
        return try MountOperations(root: site.root, parking: site.parking).build(recipe, in: nil)
    }

    private func refusal(
        _ kernel: KernelMount, _ parameters: [MountRecipe.Parameter] = [], type: String = "tmpfs", in site: WorkerSite
    ) -> SystemCallError? {
        do throws(OperationFailure) {
            _ = try build(kernel, parameters, type: type, in: site)
        } catch {
            if case .refused(let refusal) = error { return refusal }
        }
        return nil
    }

    @Test func `it has the source's name, its options and its attributes`() throws {
        try WorkerSite.with { site in
            let id = try site.place(build(KernelMount(), [.string("size", "8192")], in: site), at: "a")
            let entry = try #require(try MountTable.current.entry(id))
            #expect(entry.filesystemType == "tmpfs")
            #expect(entry.source.map { "\($0)" } == "server:/a")
            #expect(entry.attributes.isSuperset(of: [.noSetUserID, .noDevices, .noExecute]))
            try site.end(id, at: "a")
        }
    }

    @Test func `the server's address goes to the option that is its own, and a version after the other is tried`()
        throws
    {
        try WorkerSite.with { site in
            let server = KernelMount.Server(name: "localhost", option: "addr", family: .ipv4)
            let address = try #require(refusal(KernelMount(server: server), in: site))
            #expect(address.call == "fsconfig" && address.subject == "addr" && address.errno == .invalidArgument)
            let version = try #require(refusal(KernelMount(versions: ["4.2", "4.1"]), in: site))
            #expect(version.subject == "vers")
        }
    }

    @Test func `a server without an address, and a filesystem that the kernel does not have, are told as that`() throws
    {
        try WorkerSite.with { site in
            let server = KernelMount.Server(name: "no-such-host.invalid", option: "addr")
            #expect(refusal(KernelMount(server: server), in: site)?.call == "getaddrinfo")
            let unknown = refusal(KernelMount(), type: "nosuchfs", in: site)
            #expect(unknown?.call == "fsopen" && unknown?.errno == .operationNotSupportedByDevice)
        }
    }

    @Test func `the kernel is told what is in a secret file, and no error says it`() throws {
        try WorkerSite.with { site in
            let file = site.folder.appending("credentials")
            try Data("username=bob\npassword=hunter2\n".utf8).write(to: URL(filePath: file.string))
            try #require(chmod(file.string, 0o600) == 0)
            let parameters = [MountRecipe.Parameter.file("credentials", file, isSecret: true)]
            let told = try #require(refusal(KernelMount(secret: .login), parameters, in: site))
            #expect(told.subject == "password" && told.errno == .invalidArgument)
            #expect(!"\(told)".contains("hunter2"))
            try Data("hunter2\n".utf8).write(to: URL(filePath: file.string))
            let none = try #require(refusal(KernelMount(secret: .login), parameters, in: site))
            #expect("\(none)".contains("has no credentials") && !"\(none)".contains("hunter2"))
            try #require(chmod(file.string, 0o644) == 0)
            #expect(refusal(KernelMount(secret: .login), parameters, in: site)?.errno == .notPermitted)
        }
    }
}
