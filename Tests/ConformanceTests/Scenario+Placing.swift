// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import MountManager
import MountWorker

extension Scenario {
    static let placing = [
        Scenario(
            "a mount is placed on a folder that is made for it and closed to everybody",
            mounted + [
                .inspect("x", expecting: "a") ~> "ours", act(.unmountLazily("root/x")),
                act(.makeFolder("root/x/s"), "EPERM"), act(.removeFolder("root/x"), "EPERM"),
            ]),
        Scenario(
            "folders on the way are made and go again",
            [
                .build("a", .tmpfs) ~> "built", .place("a", at: "n/y") ~> "ours",
                .unmount("a", from: "n/y") ~> "empty", .removeFolder("n/y") ~> "done",
            ]),
        Scenario(
            "a mountpoint that others have taken is foreign, and ours is not left on top of theirs",
            [
                act(.makeFolder("root/x")), act(.mount("root/x")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "x") ~> "foreign: foreign", .inspect("x", expecting: "a") ~> "foreign: foreign",
            ]),
        Scenario(
            "others who mount there when the folder is ready are not covered",
            [
                .build("a", .tmpfs) ~> "built", .meanwhile(.folderReady, .mount("root/x")) ~> "waits",
                .place("a", at: "x") ~> "foreign: foreign; meanwhile mount root/x: done",
                act(.unmount("root/x")), .inspect("x", expecting: "a") ~> "empty",
            ]),
        Scenario(
            "others who mount over ours the moment it is there cover it",
            [
                .build("a", .tmpfs) ~> "built", .meanwhile(.placed, .mount("root/x")) ~> "waits",
                .place("a", at: "x") ~> "covered; meanwhile mount root/x: done",
                .inspect("x", expecting: "a") ~> "covered: foreign",
            ]),
        Scenario(
            "others who unmount ours the moment it is there leave nothing",
            [
                .build("a", .tmpfs) ~> "built", .meanwhile(.placed, .unmount("root/x")) ~> "waits",
                .place("a", at: "x") ~> "empty; meanwhile umount root/x: done",
            ]),
        Scenario(
            "two of ours are never stacked",
            mounted + [
                .build("b", .tmpfs) ~> "built", .place("b", at: "x") ~> "foreign: foreign",
                .inspect("x", expecting: "a") ~> "ours",
            ]),
        Scenario(
            "a folder with something in it is left as it is",
            [
                act(.makeFolder("root/x")), act(.makeFile("root/x/file")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "x") ~> "empty: conflict mkdirat ENOTEMPTY", .inspect("x", expecting: "a") ~> "empty",
                act(.makeFile("root/x/file2")),
            ]),
        Scenario(
            "an empty folder of somebody's is taken over",
            [
                act(.makeFolder("root/x")), .build("a", .tmpfs) ~> "built", .place("a", at: "x") ~> "ours",
                .unmount("a", from: "x") ~> "empty", .removeFolder("x") ~> "done",
            ]),
        Scenario(
            "a file is no mountpoint",
            [
                act(.makeFile("root/x")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "x") ~> "empty: invalid_argument openat2 ENOTDIR",
                .removeFolder("x") ~> "invalid_argument openat2 ENOTDIR",
            ]),
        Scenario(
            "a file on the way is no way",
            [
                act(.makeFile("root/n")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "n/y") ~> "empty: invalid_argument openat2 ENOTDIR",
                .inspect("n/y", expecting: "a") ~> "foreign: invalid_argument statx ENOTDIR",
            ]),
        Scenario(
            "a mountpoint beneath another's closed folder cannot be made",
            [
                .build("a", .tmpfs) ~> "built", .place("a", at: "n") ~> "ours", act(.unmountLazily("root/n")),
                .build("b", .tmpfs) ~> "built", .place("b", at: "n/y") ~> "empty: mount_failed mkdirat EPERM",
            ]),
        Scenario(
            "a mountpoint beneath another mount is not reached",
            mounted + [
                .build("b", .tmpfs) ~> "built", .place("b", at: "x/s") ~> "foreign: foreign openat2 EXDEV",
                .inspect("x/s", expecting: nil) ~> "foreign: foreign",
            ]),
        Scenario(
            "a mount root that others have mounted over takes nothing",
            [
                .build("a", .tmpfs) ~> "built", act(.mount("root")),
                .place("a", at: "x") ~> "empty: foreign statx EXDEV",
                .inspect("x", expecting: nil) ~> "foreign: foreign statx EXDEV",
            ]),
        Scenario(
            "a mount root that others unmount meanwhile takes nothing, on the way neither",
            [
                .build("a", .tmpfs) ~> "built", .meanwhile(.folderReady, .unmountLazily("root")) ~> "waits",
                .place("a", at: "n/y") ~> "empty: mount_failed move_mount ENOENT; meanwhile umount --lazy root: done",
            ]),
        Scenario(
            "a mount root that others have made read-only takes nothing",
            [
                .build("a", .tmpfs) ~> "built", act(.remount("root", .readOnly)),
                .place("a", at: "x") ~> "empty: mount_failed mkdirat EROFS",
            ]),
        Scenario(
            "what is not in hand is not placed", [.place("a", at: "x") ~> "empty: internal"]),
    ]
}
