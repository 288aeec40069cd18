// SPDX-License-Identifier: Apache-2.0

extension Scenario {
    static let building = [
        Scenario(
            "what is built is seen by nobody, and is gone when it is closed",
            [
                .build("a", .tmpfs) ~> "built", .inspect("x", expecting: "a") ~> "empty", .close("a") ~> "done",
                .place("a", at: "x") ~> "empty: internal", .removeFolder("x") ~> "done",
            ]),
        Scenario(
            "every mount has an id of its own, also after the one before has gone",
            mounted + [
                .unmount("a", from: "x") ~> "empty", .build("b", .tmpfs) ~> "built", .close("b") ~> "done",
                .build("c", .tmpfs) ~> "built", .place("c", at: "x") ~> "ours",
            ]),
        Scenario(
            "an option that the type has not is refused before the kernel is asked",
            [.build("a", .unknownOption) ~> "invalid_argument"]),
        Scenario(
            "a source that is not there says so",
            [
                .build("a", .missingImage) ~> "mount_failed openat2 ENOENT",
                .build("a", .missingFolder) ~> "mount_failed openat2 ENOENT",
            ]),
        Scenario(
            "a source of the wrong kind says so",
            [
                .build("a", .fileAsFolder) ~> "mount_failed openat2 ENOTDIR",
                .build("a", .folderAsImage) ~> "mount_failed open ENOTBLK",
            ]),
        Scenario(
            "a file without a filesystem, or with one of another type, is not mounted and holds no loop device",
            [
                .build("a", .garbage) ~> "mount_failed fsconfig EINVAL",
                .build("a", .otherType) ~> "mount_failed fsconfig EINVAL",
            ]),
        Scenario(
            "an image has a loop device as long as its mount is there",
            [
                .build("a", .ext4) ~> "built", .place("a", at: "x") ~> "ours", .unmount("a", from: "x") ~> "empty",
                .build("b", .ext4) ~> "built",
            ]),
        Scenario(
            "an image that was built and never placed lets go of its loop device",
            [.build("a", .ext4) ~> "built", .close("a") ~> "done", .build("b", .ext4) ~> "built"]),
        Scenario(
            "an image that is written to is mounted once",
            [
                .build("a", .ext4) ~> "built", .build("b", .ext4) ~> "mount_failed LOOP_CONFIGURE EBUSY",
                .close("a") ~> "done",
            ]),
        Scenario(
            "an image that nobody writes to may be mounted twice, with two devices",
            [
                .build("a", .squashfs) ~> "built", .build("b", .squashfs) ~> "built", .place("a", at: "x") ~> "ours",
                .place("b", at: "n/y") ~> "ours",
            ]),
        Scenario(
            "an image keeps its device after a lazy unmount until its users have left",
            [
                .build("a", .ext4) ~> "built", .place("a", at: "x") ~> "ours", act(.open("f", at: "root/x")),
                act(.unmountLazily("root/x")), .inspect("x", expecting: "a") ~> "empty",
                .build("b", .ext4) ~> "mount_failed LOOP_CONFIGURE EBUSY", act(.close("f")),
                .build("c", .ext4) ~> "built",
            ]),
        Scenario(
            "a folder is bound without what is mounted on it",
            [
                act(.makeFolder("source/deep")), act(.mount("source/deep")), .build("a", .folder) ~> "built",
                .place("a", at: "x") ~> "ours", act(.unmount("root/x/deep"), "EINVAL"),
            ]),
        Scenario(
            "the type is told by what a source is",
            [
                .detect(.folder) ~> "bind", .detect(.ext4) ~> "ext4", .detect(.squashfs) ~> "squashfs",
                .detect(.garbage) ~> "invalid_argument", .detect(.missingImage) ~> "mount_failed openat2 ENOENT",
            ]),
    ]
}
