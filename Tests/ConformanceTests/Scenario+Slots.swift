// SPDX-License-Identifier: Apache-2.0

import LinuxMount

extension Scenario {
    static let parking = [
        Scenario(
            "an inspection brings back what a killed process left in its slot",
            mounted + [.park("a", from: "x") ~> "parked", .inspect("x", expecting: "a") ~> "ours"]),
        Scenario(
            "an unmount ends in its slot what a killed process left there",
            mounted + [.park("a", from: "x") ~> "parked", .unmount("a", from: "x") ~> "empty"]),
        Scenario(
            "what is parked keeps its users, and goes back to its place when it cannot be unmounted",
            mounted + [
                act(.open("f", at: "root/x")), .park("a", from: "x") ~> "parked",
                .unmount("a", from: "x") ~> "ours: busy umount2 EBUSY",
            ]),
        Scenario(
            "what is parked stays in its slot while its place is taken",
            mounted + [
                .park("a", from: "x") ~> "parked", act(.mount("root/x")),
                .inspect("x", expecting: "a") ~> "covered: foreign", act(.unmount("root/x")),
                .inspect("x", expecting: "a") ~> "ours",
            ]),
        Scenario(
            "what is parked and in use stays in its slot while its place is taken",
            mounted + [
                act(.open("f", at: "root/x")), .park("a", from: "x") ~> "parked", act(.mount("root/x")),
                .unmount("a", from: "x") ~> "covered: busy umount2 EBUSY", act(.close("f")),
                .unmount("a", from: "x") ~> "foreign",
            ]),
        Scenario(
            "what is parked does not come back to a folder that is not there",
            [
                act(.makeFolder("root/x")), act(.makeFolder("root/n")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "n/y") ~> "ours", .park("a", from: "n/y") ~> "parked",
                .removeFolder("n/y") ~> "done",
                .inspect("n/y", expecting: "a") ~> "covered: mount_failed openat2 ENOENT",
                act(.makeFolder("root/n")),
                .inspect("n/y", expecting: "a") ~> "covered: mount_failed move_mount ENOENT",
                act(.makeFolder("root/n/y")), .inspect("n/y", expecting: "a") ~> "ours",
            ]),
        Scenario(
            "what is parked is not in its place for who examines it",
            mounted + [.park("a", from: "x") ~> "parked", .examine("x", expecting: "a") ~> "missing"]),
        Scenario(
            "another may be placed where one is parked",
            mounted + [
                .park("a", from: "x") ~> "parked", .build("b", .tmpfs) ~> "built", .place("b", at: "x") ~> "ours",
                .unmount("a", from: "x") ~> "foreign", .unmount("b", from: "x") ~> "empty",
            ]),
        Scenario(
            "what is covered is not parked",
            mounted + [act(.mount("root/x")), .park("a", from: "x") ~> "not parked"]),
    ]

    static let folders = [
        Scenario("a folder that is not there is removed already", [.removeFolder("x") ~> "done"]),
        Scenario(
            "a folder on which something is mounted stays",
            mounted + [.removeFolder("x") ~> "foreign openat2 EBUSY", .inspect("x", expecting: "a") ~> "ours"]),
        Scenario(
            "a folder with content stays, and so does an empty one that is somebody's",
            [
                act(.makeFolder("root/x")), .removeFolder("x") ~> "done", act(.makeFile("root/x/file")),
                .removeFolder("x") ~> "conflict unlinkat ENOTEMPTY",
            ]),
        Scenario(
            "a folder on the way that another mountpoint needs stays",
            [
                .build("a", .tmpfs) ~> "built", .place("a", at: "n/y") ~> "ours", act(.makeFolder("root/n/z")),
                .unmount("a", from: "n/y") ~> "empty", .removeFolder("n/y") ~> "done",
                act(.removeFolder("root/n/z")), .removeFolder("n/y") ~> "done",
            ]),
        Scenario(
            "on a root that is read-only now a folder stays closed",
            mounted + [
                .unmount("a", from: "x") ~> "empty", act(.remount("root", .readOnly)),
                .removeFolder("x") ~> "mount_failed ioctl FS_IOC_SETFLAGS EROFS",
                .build("b", .tmpfs) ~> "built",
                .place("b", at: "x") ~> "empty: mount_failed ioctl FS_IOC_SETFLAGS EROFS",
                act(.remount("root", [])), .removeFolder("x") ~> "done",
            ]),
        Scenario(
            "a folder that shows a mount through another copy of the root stays",
            [
                act(.bind("root", to: "elsewhere/1")), act(.makeFolder("root/x")), act(.mount("elsewhere/1/x")),
                .inspect("x", expecting: nil) ~> "empty", act(.removeFolder("root/x"), "EBUSY"),
                .build("a", .tmpfs) ~> "built", .place("a", at: "x") ~> "ours", .unmount("a", from: "x") ~> "empty",
                .removeFolder("x") ~> "foreign unlinkat EBUSY", act(.unmount("elsewhere/1/x")),
                .removeFolder("x") ~> "done",
            ]),
    ]
}
