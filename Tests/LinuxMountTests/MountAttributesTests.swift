// SPDX-License-Identifier: Apache-2.0

import CLinux
import LinuxMount
import SystemPackage
import Testing

extension RealKernel {
    @Suite struct AttributesOfAPlacedMount {
        @Test func `they are given back to exactly the mount of that id`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let path = sandbox.root.path.appending("a").string
                let taken = UInt64(HF_MOUNT_ATTR_NOSUID | HF_MOUNT_ATTR_NODEV)
                #expect(hf_mount_setattr(-100, path, 0, UInt64(HF_MOUNT_ATTR_RDONLY), taken, 0) == 0)
                #expect(try sandbox.table.entry(id)?.attributes == .readOnly)
                #expect(try target.setAttributes([.noSetUserID, .noDevices], clearing: .readOnly, ofMount: id))
                #expect(try sandbox.table.entry(id)?.attributes == [.noSetUserID, .noDevices])
                try sandbox.end(target, id)
            }
        }

        @Test func `what is mounted over it is not changed`() throws {
            try Sandbox.run { sandbox in
                let (target, id) = try sandbox.mountTmpfs(at: "a")
                let path = sandbox.root.path.appending("a")
                try Sandbox.mountForeign(at: path)
                #expect(try target.setAttributes(.readOnly, clearing: [], ofMount: id) == false)
                #expect(try sandbox.table.entries(at: path).allSatisfy { !$0.attributes.contains(.readOnly) })
                try Sandbox.unmountForeign(at: path)
                try sandbox.end(target, id)
                #expect(try target.setAttributes(.readOnly, clearing: [], ofMount: id) == false)
            }
        }
    }
}

@Suite struct MountAttributesTests {
    @Test func `they are named as mount(8) names them`() {
        #expect(MountAttributes([.noSetUserID, .noDevices]).description == "nosuid,nodev")
        #expect(MountAttributes([.readOnly, .noSymlinkFollow]).description == "ro,nosymfollow")
        #expect(MountAttributes(rawValue: 1 << 40).description == "0x10000000000")
        #expect(MountAttributes().description == "")
    }
}
