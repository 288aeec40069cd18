// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import SystemPackage
import Testing

@Suite struct MountInfoTests {
    @Test func `a line becomes an entry`() throws {
        let line = "36 35 98:1 /sub /mnt rw,nosuid,relatime shared:3 master:1 - ext4 /dev/sda1 ro,errors=continue,x\n"
        let entry = try #require(try MountInfo.parse(Array(line.utf8)).first)
        #expect(entry.id == KernelMountID(rawValue: 36))
        #expect(entry.parentID == KernelMountID(rawValue: 35))
        #expect(entry.device == DeviceNumber(major: 98, minor: 1))
        #expect(entry.root == "/sub")
        #expect(entry.mountpoint == "/mnt")
        #expect(entry.attributes == [.noSetUserID])
        #expect(entry.propagation == .sharedSlave)
        #expect(entry.filesystemType == "ext4")
        #expect(entry.source == KernelText("/dev/sda1"))
        #expect(entry.isSuperblockReadOnly)
        #expect(entry.superblockOptions == [KernelText("errors=continue"), KernelText("x")])
        #expect(!entry.isRootDeleted)
    }

    @Test(arguments: [
        (#"/a\040b"#, "/a b"), (#"/a\011b"#, "/a\tb"), (#"/a\012b"#, "/a\nb"), (#"/a\134b"#, #"/a\b"#),
        (#"/a\043b"#, "/a#b"), (#"/\134040"#, #"/\040"#), (#"/a\09"#, #"/a\09"#), (#"/a\"#, #"/a\"#),
        (#"/a\777"#, #"/a\777"#), ("/ü", "/ü"), (#"/\303\274"#, "/ü"),
    ])
    func `octal escapes of a mountpoint are decoded`(written: String, path: String) throws {
        let line = "1 0 0:1 / \(written) rw - tmpfs t rw"
        #expect(try MountInfo.parse(Array(line.utf8)).first?.mountpoint == FilePath(path))
    }

    @Test func `a mountpoint that is no text keeps its bytes`() throws {
        let line = Array("1 0 0:1 / /".utf8) + [0xff, 0xfe] + Array(" rw - tmpfs t rw".utf8)
        let path = try #require(try MountInfo.parse(line).first?.mountpoint)
        #expect(path.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: 3)) } == [47, -1, -2])
    }

    @Test func `an empty source and unknown optional fields are taken as they are`() throws {
        let entry = try #require(
            try MountInfo.parse(Array("1 0 0:1 / /a ro,noatime new:9 strange - tmpfs  rw,lazytime,size=4k".utf8)).first)
        #expect(entry.source == KernelText(""))
        #expect(entry.attributes == [.readOnly, .noAccessTime])
        #expect(entry.propagation == .private)
        #expect(entry.superblockOptions == [KernelText("size=4k")])
    }

    @Test func `a comma inside an escaped option divides nothing`() throws {
        let entry = try #require(
            try MountInfo.parse(Array(#"1 0 0:1 / /a rw - overlay o rw,lowerdir=/x\054y\040z,index=off"#.utf8)).first)
        #expect(entry.superblockOptions == [KernelText("lowerdir=/x,y z"), KernelText("index=off")])
    }

    @Test func `spaces in a filesystem's options do not end the line`() throws {
        let entry = try #require(try MountInfo.parse(Array("1 0 0:1 / /a rw - cifs //s/h rw,a=b c,d".utf8)).first)
        #expect(entry.superblockOptions == [KernelText("a=b c"), KernelText("d")])
        #expect(entry.source == KernelText("//s/h"))
    }

    @Test(
        arguments: [
            ("rw,relatime", []), ("rw", [.strictAccessTime]), ("rw,noatime", [.noAccessTime]),
            ("ro,nosuid,nodev,noexec,relatime", [.readOnly, .noSetUserID, .noDevices, .noExecute]),
            ("rw,nodiratime,relatime", [.noDirectoryAccessTime]),
            ("rw,relatime,idmapped,nosymfollow", [.idMapped, .noSymlinkFollow]),
        ] as [(String, MountAttributes)])
    func `attributes are read from the mount's own options`(written: String, attributes: MountAttributes) throws {
        #expect(try MountInfo.parse(Array("1 0 0:1 / /a \(written) - tmpfs t rw".utf8)).first?.attributes == attributes)
    }

    @Test(
        arguments: [
            ("", .private), ("shared:1 ", .shared), ("master:2 ", .slave), ("master:2 propagate_from:1 ", .slave),
            ("unbindable ", .unbindable), ("shared:1 master:2 ", .sharedSlave),
        ] as [(String, MountPropagation)])
    func `propagation is read from the optional fields`(written: String, propagation: MountPropagation) throws {
        #expect(
            try MountInfo.parse(Array("1 0 0:1 / /a rw \(written)- tmpfs t rw".utf8)).first?.propagation == propagation)
    }

    @Test func `the root of a removed folder is told from its path`() throws {
        let entry = try #require(try MountInfo.parse(Array("1 0 0:1 /gone//deleted /a rw - ext4 d rw".utf8)).first)
        #expect(entry.root == "/gone")
        #expect(entry.isRootDeleted)
    }

    @Test(
        arguments: [
            ("1", .missingFields), ("1 0 0:1 / /a rw", .missingFields), ("1 0 0:1 / /a rw -", .missingFields),
            ("1 0 0:1 / /a rw - tmpfs", .missingFields), ("1 0 0:1 / /a rw - tmpfs t", .missingFields),
            ("1 0 0:1 / /a rw tmpfs t rw", .missingSeparator), (" 1 0 0:1 / /a rw - tmpfs t rw", .badNumber),
            ("x 0 0:1 / /a rw - tmpfs t rw", .badNumber), ("-1 0 0:1 / /a rw - tmpfs t rw", .badNumber),
            ("+1 0 0:1 / /a rw - tmpfs t rw", .badNumber), ("1 0 01 / /a rw - tmpfs t rw", .badNumber),
            ("1 0 0:1:2 / /a rw - tmpfs t rw", .badNumber), ("1 0 0:4294967296 / /a rw - tmpfs t rw", .badNumber),
            ("99999999999999999999 0 0:1 / /a rw - tmpfs t rw", .badNumber),
            (#"1 0 0:1 / /a\000 rw - tmpfs t rw"#, .nulByte), ("1 0 0:1 /\0 /a rw - tmpfs t rw", .nulByte),
        ] as [(String, MountInfoError.Reason)])
    func `a malformed line is an error that names it`(line: String, reason: MountInfoError.Reason) {
        let good = "1 0 0:1 / /a rw - tmpfs t rw\n"
        #expect(throws: MountInfoError(line: 2, reason: reason)) { try MountInfo.parse(Array((good + line).utf8)) }
    }

    @Test func `an empty input has no mounts`() throws {
        #expect(try MountInfo.parse([]) == [])
        #expect(try MountInfo.parse(Array("\n\n".utf8)) == [])
    }

    @Test func `no cut and no changed byte of a line makes the parser stop the process`() {
        let line = Array(#"36 35 98:0 /s\040ub//deleted /m\134nt rw,noatime master:1 - ext3 /dev/root rw,x=\054"#.utf8)
        var accepted = 0
        for end in 0...line.count {
            if (try? MountInfo.parse(line[..<end])) != nil { accepted += 1 }
        }
        for index in line.indices {
            for byte in [0, 9, 10, 32, 44, 45, 48, 58, 92, 255] as [UInt8] {
                var changed = line
                changed[index] = byte
                if (try? MountInfo.parse(changed)) != nil { accepted += 1 }
            }
        }
        #expect(accepted > 0)
    }
}
