// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import LinuxMount
import SystemPackage
import Testing

@Suite struct ProcessAndBootTests {
    @Test func `The boot id is the kernel's, without its line end`() throws {
        let text = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        #expect(try KernelBoot.currentID() + "\n" == text)
        #expect(UUID(uuidString: try KernelBoot.currentID()) != nil)
    }

    @Test func `These tests run in a mount namespace of their own, never in the machine's`() throws {
        do {
            #expect(try !MountNamespace.isInitial())
        } catch {
            // Process 1 is hidden on some machines; then only the first namespace can be told.
            #expect(error.errno == .permissionDenied)
        }
        #expect(try MountNamespace.isShared(with: getpid()))
        #expect(throws: SystemCallError.self) { try MountNamespace.ofProcess(Int32.max) }
    }

    @Test func `A thread that has left the namespace is seen to be elsewhere`() async throws {
        let here = try MountNamespace.current()
        let (there, isShared) = try await HostFixture.inOwnMountNamespace {
            (try MountNamespace.current(), try MountNamespace.isShared(with: getpid()))
        }
        #expect(here.device == there.device && here.inode != there.inode && !isShared)
    }

    @Test func `Core dumps are off after the call`() throws {
        try SystemCallError.check(hf_set_dumpable(1), "prctl")
        try ProcessHardening.setCoreDumpsOff()
        let dumpable = hf_dumpable()
        // A crash of the tests should still be told.
        try SystemCallError.check(hf_set_dumpable(1), "prctl")
        #expect(dumpable == 0)
    }

    @Test func `The file creation mask is set, and the one before is the answer`() {
        let before = ProcessHardening.setFileCreationMask(0o022)
        #expect(ProcessHardening.setFileCreationMask(before) == 0o022)
    }
}
