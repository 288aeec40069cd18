// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import Testing

@Suite struct CanonicalOptionTests {
    @Test(
        "accepted options have one canonical form",
        arguments: [
            // tmpfs
            ("tmpfs", ["size=1m"], ["size=1048576"]),
            ("tmpfs", ["size=1M", "mode=0755"], ["mode=755", "size=1048576"]),
            ("tmpfs", ["size=1073741824"], ["size=1073741824"]),
            ("tmpfs", ["size=50%"], []),
            ("tmpfs", ["size=25%"], ["size=25%"]),
            ("tmpfs", ["nr_inodes=1k", "huge=advise", "noswap"], ["huge=advise", "noswap", "nr_inodes=1024"]),
            ("tmpfs", ["mode=1777", "uid=0", "gid=0"], []),
            ("tmpfs", ["mode=3777", "uid=4294967294", "gid=5"], ["gid=5", "mode=3777", "uid=4294967294"]),
            ("tmpfs", ["mode=0"], ["mode=0"]),
            ("tmpfs", ["ro", "noexec", "nosuid", "nodev"], ["noexec", "ro"]),
            ("tmpfs", ["defaults", "rw", "exec", "relatime", "diratime", "symfollow"], []),
            ("tmpfs", ["noatime", "nodiratime", "nosymfollow"], ["noatime", "nodiratime", "nosymfollow"]),
            // bind
            ("bind", ["ro", "strictatime"], ["ro", "strictatime"]),
            // overlay
            ("overlay", ["lowerdir=/b:/a/"], ["lowerdir=/b:/a"]),
            (
                "overlay", ["workdir=/w", "upperdir=/u/", "lowerdir=/l", "redirect_dir=nofollow"],
                ["lowerdir=/l", "upperdir=/u", "workdir=/w"]
            ),
            ("overlay", ["lowerdir=/l", "ro"], ["lowerdir=/l"]),
            (
                "overlay", ["lowerdir=/l", "upperdir=/u", "workdir=/w", "ro", "redirect_dir=on", "xino=auto"],
                ["lowerdir=/l", "redirect_dir=on", "ro", "upperdir=/u", "workdir=/w", "xino=auto"]
            ),
            // ext4
            ("ext4", ["errors=remount-ro", "acl", "user_xattr", "async", "nolazytime"], []),
            ("ext4", ["errors=continue", "data=journal"], ["data=journal", "errors=continue"]),
            ("ext4", ["norecovery", "ro"], ["noload", "ro"]),
            ("ext4", ["bsdgroups", "quota"], ["grpid", "usrquota"]),
            ("ext4", ["init_itable", "commit=5"], []),
            ("ext4", ["inode_readahead_blks=64", "stripe=0"], ["inode_readahead_blks=64", "stripe=0"]),
            ("ext4", ["nodiscard", "lazytime", "sync"], ["lazytime", "nodiscard", "sync"]),
            // xfs
            ("xfs", ["allocsize=64k", "logbsize=32k", "inode64"], ["allocsize=65536", "logbsize=32768"]),
            ("xfs", ["usrquota", "grpquota", "prjquota"], ["gquota", "pquota", "uquota"]),
            ("xfs", ["nodiscard", "nolargeio", "sysvgroups", "logbufs=8"], []),
            ("xfs", ["norecovery", "ro", "nouuid"], ["norecovery", "nouuid", "ro"]),
            // btrfs
            ("btrfs", ["compress", "subvol=home/"], ["compress=zlib", "subvol=/home"]),
            ("btrfs", ["compress=zstd:3", "discard"], ["compress=zstd", "discard=sync"]),
            (
                "btrfs", ["compress-force=zstd:15", "ssd", "subvolid=256"],
                ["compress-force=zstd:15", "ssd", "subvolid=256"]
            ),
            ("btrfs", ["ro", "norecovery"], ["rescue=nologreplay", "ro"]),
            ("btrfs", ["ro", "rescue=ibadroots"], ["rescue=ignorebadroots", "ro"]),
            ("btrfs", ["nodatacow", "nodatasum"], ["nodatacow", "nodatasum"]),
            ("btrfs", ["datacow", "datasum", "treelog", "barrier", "max_inline=2k", "commit=30"], []),
            // vfat
            ("vfat", ["umask=077"], ["dmask=77", "fmask=77"]),
            ("vfat", ["umask=022", "utf8", "shortname=mixed", "check=n", "uid=0"], []),
            ("vfat", ["fmask=0133", "uid=1000", "iocharset=koi8-r"], ["fmask=133", "iocharset=koi8-r", "uid=1000"]),
            ("vfat", ["tz=UTC"], ["time_offset=0"]),
            ("vfat", ["time_offset=-90", "codepage=437"], ["codepage=437", "time_offset=-90"]),
            // always read-only
            ("squashfs", ["ro", "noexec", "errors=continue"], ["noexec"]),
            (
                "erofs", ["ro", "nouser_xattr", "cache_strategy=readahead"],
                ["cache_strategy=readahead", "nouser_xattr"]
            ),
            ("erofs", ["acl", "user_xattr", "cache_strategy=readaround"], []),
        ])
    func accepted(type: String, options: [String], expected: [String]) throws {
        #expect(try canonical(type, options) == expected)
    }

    @Test(
        "requests of equal meaning are equal sources",
        arguments: [
            ("tmpfs", ["size=1m", "noexec"], ["noexec", "size=1048576", "rw"]),
            ("tmpfs", ["size=1024k"], ["size=1m"]),
            ("tmpfs", ["size=1m", "size=1024K"], ["size=1m"]),
            ("tmpfs", ["noexec", "noexec"], ["noexec"]),
            ("ext4", ["ro", "noload"], ["norecovery", "ro", "nosuid", "nodev", "defaults"]),
            ("xfs", ["quota"], ["usrquota", "uquota"]),
            ("btrfs", ["subvol=a"], ["subvol=/a"]),
            ("vfat", ["umask=027"], ["fmask=27", "dmask=027"]),
            ("vfat", ["umask=027", "fmask=027"], ["umask=27"]),
            ("squashfs", [], ["ro"]),
        ])
    func equalMeaning(type: String, left: [String], right: [String]) throws {
        #expect(isSame(try parse(type, left), try parse(type, right)))
    }

    @Test(
        "requests of different meaning are different sources",
        arguments: [
            ("tmpfs", ["size=1m"], ["size=2m"]), ("tmpfs", ["noexec"], []), ("bind", ["ro"], []),
            ("overlay", ["lowerdir=/a:/b"], ["lowerdir=/b:/a"]), ("ext4", ["nodiscard"], []),
            ("btrfs", ["subvol=/a"], ["subvol=/b"]),
        ])
    func differentMeaning(type: String, left: [String], right: [String]) throws {
        #expect(try parse(type, left) != (try parse(type, right)))
    }
}
