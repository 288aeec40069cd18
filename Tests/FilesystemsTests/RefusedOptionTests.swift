// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import Testing

@Suite struct RefusedOptionTests {
    @Test(
        "a refused option is named with what is wrong",
        arguments: [
            // Flags and values.
            ("tmpfs", ["ro=1"], "'ro' takes no value"), ("tmpfs", ["ro="], "'ro' takes no value"),
            ("tmpfs", ["size"], "'size' needs a value"), ("tmpfs", ["size="], "value of option 'size' is empty"),
            ("tmpfs", [""], "an option is empty"), ("tmpfs", ["=1"], "has no name"), ("tmpfs", ["="], "has no name"),
            // Numbers.
            ("tmpfs", ["size=0"], "expected is a number from 4096"),
            ("tmpfs", ["size=-1"], "'size' has the value '-1'"),
            ("tmpfs", ["size=+1m"], "'+1m'"), ("tmpfs", ["size=0x1000"], "'0x1000'"), ("tmpfs", ["size=01m"], "'01m'"),
            ("tmpfs", ["size=1mm"], "'1mm'"), ("tmpfs", ["size=m"], "'m'"), ("tmpfs", ["size=1.5m"], "'1.5m'"),
            ("tmpfs", ["size=1 m"], "'1 m'"), ("tmpfs", ["size=18446744073709551616"], "expected"),
            ("tmpfs", ["size=18446744073709551615t"], "expected"), ("tmpfs", ["size=16777217t"], "expected"),
            ("tmpfs", ["size=0%"], "expected"), ("tmpfs", ["size=101%"], "expected"), ("tmpfs", ["size=%"], "expected"),
            ("tmpfs", ["size=050%"], "expected"), ("tmpfs", ["size=50%%"], "expected"),
            ("tmpfs", ["size=-5%"], "expected"),
            ("tmpfs", ["nr_inodes=10%"], "expected"), ("tmpfs", ["nr_inodes=0"], "expected"),
            ("tmpfs", ["uid=-1"], "expected"), ("tmpfs", ["uid=4294967295"], "expected"),
            ("tmpfs", ["uid=root"], "expected"),
            ("tmpfs", ["uid=00"], "expected"), ("tmpfs", ["uid=1k"], "expected"), ("tmpfs", ["gid=-0"], "expected"),
            ("tmpfs", ["mode=4755"], "octal digits from 0 to 3777"), ("tmpfs", ["mode=8"], "octal"),
            ("tmpfs", ["mode=007"], "octal"), ("tmpfs", ["mode=0o755"], "octal"), ("tmpfs", ["mode=u+s"], "octal"),
            ("tmpfs", ["huge=force"], "one of never, always, within_size, advise"),
            ("ext4", ["commit=301"], "from 1 to 300"), ("ext4", ["inode_readahead_blks=33"], "power of two"),
            ("xfs", ["logbsize=48k"], "power of two"), ("xfs", ["allocsize=2k"], "from 4096"),
            ("vfat", ["time_offset=-1441"], "from -1440"), ("vfat", ["time_offset=--1"], "expected"),
            ("vfat", ["codepage=0437"], "expected"), ("vfat", ["iocharset=../../x"], "one of"),
            ("btrfs", ["subvolid=0"], "from 5"), ("btrfs", ["compress=zstd:16"], "one of"),
            ("btrfs", ["subvol=../x"], "has the component '..'"),
            ("btrfs", ["subvol=a/../../x"], "has the component '..'"),
            ("btrfs", ["subvol=" + String(repeating: "abc/", count: 70) + "d"], "at most 255"),
            // Together.
            ("tmpfs", ["ro", "rw"], "'ro' and 'rw' contradict"), ("tmpfs", ["exec", "noexec"], "contradict"),
            ("tmpfs", ["noatime", "relatime"], "contradict"), ("tmpfs", ["strictatime", "noatime"], "contradict"),
            ("tmpfs", ["size=1m", "size=2m"], "'size' is given twice: 'size=1048576' and 'size=2097152'"),
            ("ext4", ["discard", "nodiscard"], "contradict"),
            ("xfs", ["noquota", "quota"], "'noquota' and 'uquota' contradict"),
            ("btrfs", ["compress", "nodatacow"], "contradict"),
            ("btrfs", ["compress", "compress-force"], "contradict"),
            ("btrfs", ["subvol=/a", "subvolid=256"], "contradict"),
            ("vfat", ["umask=22", "fmask=77"], "'fmask' is given twice"),
            ("vfat", ["utf8", "iocharset=cp437"], "contradict"), ("ext4", ["noload"], "'noload' needs option 'ro'"),
            ("ext4", ["norecovery"], "'noload' needs option 'ro'"), ("btrfs", ["rescue=all"], "needs option 'ro'"),
            ("squashfs", ["rw"], "always read-only"), ("erofs", ["rw"], "always read-only"),
            // Overlay.
            ("overlay", ["lowerdir=/l", "rw"], "'rw' needs option 'upperdir'"),
            ("overlay", ["lowerdir=/l", "upperdir=/u"], "'upperdir' needs option 'workdir'"),
            ("overlay", ["lowerdir=/l", "workdir=/w"], "'workdir' needs option 'upperdir'"),
            ("overlay", ["lowerdir=/l", "upperdir=/u", "workdir=/u"], "lie within each other"),
            ("overlay", ["lowerdir=/l", "upperdir=/u", "workdir=/u/w"], "lie within each other"),
            ("overlay", ["lowerdir=/u", "upperdir=/u", "workdir=/w"], "a lower layer and upperdir"),
            ("overlay", ["lowerdir=/l:/l/"], "names '/l' twice"), ("overlay", ["lowerdir=/l::/m"], "empty path"),
            ("overlay", ["lowerdir=:/l"], "empty path"), ("overlay", ["lowerdir=l"], "not an absolute path"),
            ("overlay", ["lowerdir=/a\\:b"], "with a '\\'"), ("overlay", ["lowerdir=/a\\:/b"], "with a '\\'"),
            ("overlay", ["lowerdir=/a,/b"], "comma"), ("overlay", ["lowerdir=/a/../b"], "has the component '..'"),
            ("overlay", ["lowerdir=/l", "upperdir=/u:x", "workdir=/w"], "with a ':'"),
            ("overlay", ["lowerdir=/l", "redirect_dir=follow"], "one of on, nofollow"),
            ("overlay", ["lowerdir=" + (0...500).map { "/\($0)" }.joined(separator: ":")], "501 paths; at most 500"),
        ])
    func refused(type: String, options: [String], expected: String) throws {
        let error = try #require(refusal(type, options))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(expected), "\(error)")
        #expect(error.context.type == type)
    }

    @Test(
        "what would have a helper program start another, or trust anybody, is refused",
        arguments: [
            ("sshfs", "ssh_command=/tmp/x", "would run as root"), ("sshfs", "ProxyCommand=/tmp/x", "would run as root"),
            ("sshfs", "LocalCommand=/tmp/x", "would run as root"),
            ("sshfs", "StrictHostKeyChecking=no", "always yes"), ("sshfs", "password_stdin", "IdentityFile"),
            ("sshfs", "port=0", "from 1 to 65535"), ("sshfs", "port=22,ProxyCommand=x", "comma"),
            ("sshfs", "IdentityFile=~/.ssh/id", "not an absolute path"),
            ("sshfs", "IdentityFile=/root/../etc/key", "has the component '..'"),
            ("sshfs", "identityfile=/root/key", "has no option"), ("sshfs", "-oProxyCommand=x", "has no option"),
            ("sshfs", "ciphers=none", "has no option"), ("rclone", "rc", "has no option"),
            ("rclone", "config=store", "not an absolute path"), ("rclone", "vfs-cache-mode=always", "one of off"),
            ("rclone", "allow-non-empty", "has no option"), ("rclone", "--rc", "has no option"),
        ])
    func helperOptions(type: String, option: String, expected: String) throws {
        let error = try #require(refusal(type, [option]))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(expected), "\(error)")
    }

    @Test("a type with a configuration file of its own needs it")
    func requiredFile() {
        let error = #expect(throws: MountError.self) {
            try catalog.source(type: FilesystemType(rawValue: "rclone"), source: "store:bucket", options: [])
        }
        #expect(error?.message == "type 'rclone' needs option 'config'")
    }

    @Test("an overlay needs a lower layer")
    func required() {
        let error = #expect(throws: MountError.self) {
            try catalog.source(type: FilesystemType(rawValue: "overlay"), source: "layers", options: [])
        }
        #expect(error?.message == "type 'overlay' needs option 'lowerdir'")
    }

    @Test(
        "dangerous options are refused for every type, with a reason where people know them", arguments: mountedTypes)
    func dangerous(type: String) throws {
        let known = [
            "suid", "dev", "context=system_u:object_r:tmp_t:s0", "fscontext=x", "x-mount.mkdir", "X-mount.subdir=x",
            "x-systemd.automount", "user", "users", "loop", "loop=/dev/loop0", "offset=1", "remount", "move", "bind",
            "rbind",
            "shared", "_netdev", "helper=x",
        ]
        for option in known {
            let error = try #require(refusal(type, [option]), "\(option)")
            #expect(error.message.contains("is refused: "), "\(error)")
        }
        #expect(refusal(type, ["suid"])?.message.contains("every mount is nosuid and nodev") == true)
        let unknown = [
            "SUID", "Ro", "RO", "nosuid,suid", "ro\u{0}", "ro\n", " ro", "ro ", "\"ro\"", "'ro'", "r\u{43E}", "ｒｏ",
            "ro\u{301}",
            "ro;suid", "-o", "--", "$(id)", "`id`", "source=/dev/vda", "source", "fd=3", "rootmode=0", "../ro",
            String(repeating: "a", count: 255), String(repeating: "a", count: 256), "no\u{73}uid\u{200B}",
        ]
        for option in unknown {
            let error = try #require(refusal(type, [option]), "\(option)")
            #expect(error.code == .invalidArgument)
            #expect(!error.message.unicodeScalars.contains { $0.value < 0x20 }, "\(error)")
        }
        for (option, reason) in [
            ("journal_path=/dev/vda", "ext4"), ("logdev=/dev/vda", "xfs"), ("device=/dev/vda", "btrfs"),
        ] {
            let error = try #require(refusal(type, [option]))
            #expect(error.message.contains("second device") || type != reason, "\(error)")
        }
    }

    @Test("values with commas, controls, look-alikes or too many bytes are refused for every option that takes one")
    func hostileValues() throws {
        let values = [
            "a,suid", ",", "1m,suid", "1\u{0}", "\u{0}", "1\n", "\n1", "1\u{7F}", "1\u{85}", "\u{202E}1", "１",
            "1\u{212A}",
            "1\u{301}", "/a,b", "/a\nb", "/a\u{0}", "-1", "0x10", "99999999999999999999999", "$(id)", "'1'", "\"1\"",
            String(repeating: "1", count: 4096), "/" + String(repeating: "b", count: 4096), "../..", "/a/../b",
        ]
        for entry in catalog.entries {
            for rule in entry.options where rule.value != .flag {
                for value in values {
                    let text = "\(rule.name)=\(value)"
                    if rule.value == .innerPath, refusal(entry.type.rawValue, [text]) == nil {
                        // A subvolume may be called nearly anything; what counts is that it stays one path.
                        #expect(!value.contains(",") && !value.contains(".."), "\(text)")
                        continue
                    }
                    if case .name = rule.value, refusal(entry.type.rawValue, [text]) == nil {
                        #expect(value.utf8.allSatisfy { $0.isASCIIWord }, "\(text)")
                        continue
                    }
                    // The only numbers below zero that mean something.
                    if value == "-1", rule.name == "time_offset" { continue }
                    #expect(refusal(entry.type.rawValue, [text]) != nil, "\(entry.type) \(text)")
                }
            }
        }
    }

    @Test("an option of another type is refused")
    func otherTypes() throws {
        for entry in catalog.entries {
            let own = Set(entry.options.map(\.name))
            for other in catalog.entries {
                for rule in other.options where !own.contains(rule.name) {
                    #expect(refusal(entry.type.rawValue, [rule.name]) != nil, "\(entry.type) \(rule.name)")
                    #expect(refusal(entry.type.rawValue, ["\(rule.name)=0"]) != nil, "\(entry.type) \(rule.name)")
                }
            }
        }
        #expect(refusal("ext4", ["uid=0"]) != nil)
    }

    @Test("more than 64 options are refused, 64 are not")
    func count() {
        #expect(refusal("tmpfs", Array(repeating: "ro", count: 64)) == nil)
        #expect(
            refusal("tmpfs", Array(repeating: "ro", count: 65))?.message
                == "there are 65 options; at most 64 are allowed")
    }

    @Test("an unknown option names the type and the nearest allowed one")
    func nearest() throws {
        for (type, option, nearest) in [
            ("tmpfs", "sizes=1m", "size"), ("tmpfs", "szie=1m", "size"), ("tmpfs", "RO", "ro"),
            ("ext4", "nodelaloc", "nodelalloc"),
            ("xfs", "logbuf=8", "logbufs"), ("btrfs", "compres=zstd", "compress"), ("vfat", "dmaks=22", "dmask"),
            ("overlay", "lowerdirs=/x", "lowerdir"), ("bind", "no-exec", "noexec"),
        ] {
            let error = try #require(refusal(type, [option]))
            let name = option.prefix { $0 != "=" }
            #expect(error.message == "type '\(type)' has no option '\(name)'")
            #expect(error.hint == "did you mean '\(nearest)'?")
        }
        let error = try #require(refusal("bind", ["qqqqqqqqqqqqqq"]))
        #expect(error.hint?.hasPrefix("it has atime, defaults, diratime") == true)
    }

    @Test("a credential among the options is refused and never shown")
    func secret() {
        let entry = FilesystemEntry(
            type: FilesystemType(rawValue: "share"), summary: "A share.", source: .name,
            options: [OptionRule("password", .word(maximumLength: 64), isSecret: true, summary: "the password")])
        let error = #expect(throws: MountError.self) {
            try FilesystemCatalog(entries: [entry]).source(
                type: entry.type, source: "a", options: ["password=hunter2\n"])
        }
        #expect(error?.message.contains("is a credential") == true)
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test("an unknown type names the known ones and the nearest")
    func unknownType() throws {
        for (type, expected) in [
            ("ext3", "did you mean 'ext4'? known are 9p, bind"), ("EXT4", "did you mean 'ext4'?"),
            ("tmpsf", "did you mean 'tmpfs'?"), ("qqqqqqqqqq", "known are 9p, bind"),
            ("e\u{445}t4", "did you mean 'ext4'?"),
            ("nfs4", "did you mean 'nfs'?"), ("smb3", "did you mean 'cifs'?"),
            ("ext4\u{301}", "did you mean 'ext4'?"), ("ext4 ", "did you mean 'ext4'?"),
        ] {
            let error = #expect(throws: MountError.self) {
                try catalog.source(type: FilesystemType(rawValue: type), source: "/a", options: [])
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.hint?.hasPrefix(expected) == true, "\(type): \(String(describing: error))")
        }
        for type in ["", "ext4\u{0}", String(repeating: "x", count: 256)] {
            let error = #expect(throws: MountError.self) { try catalog.entry(FilesystemType(rawValue: type)) }
            #expect(error?.message.contains("filesystem type") == true)
        }
    }
}

extension UInt8 {
    fileprivate var isASCIIWord: Bool { (0x30...0x39).contains(self) || (0x61...0x7A).contains(self | 0x20) }
}
