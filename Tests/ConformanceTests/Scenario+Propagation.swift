// SPDX-License-Identifier: Apache-2.0

import LinuxMount

extension Scenario {
    /// The root shared, a copy of it, and a mount of ours in both.
    private static let spread: [(step: Step, answer: String)] = [
        act(.share("root")), act(.bind("root", to: "elsewhere/1")), .build("a", .tmpfs) ~> "built",
        .place("a", at: "x") ~> "ours",
    ]

    static let propagation = [
        Scenario(
            "beneath the private root nothing spreads to a copy of it",
            [act(.bind("root", to: "elsewhere/1")), .build("a", .tmpfs) ~> "built", .place("a", at: "x") ~> "ours"]),
        Scenario(
            "a root that others have shared spreads what is placed, and what is unmounted",
            [
                act(.share("root")), act(.bind("root", to: "elsewhere/1")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "x") ~> "ours", .inspect("x", expecting: "a") ~> "ours",
                .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "beneath a root that others have shared a used copy keeps ours",
            [
                act(.share("root")), act(.bind("root", to: "elsewhere/1")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "x") ~> "ours", act(.open("f", at: "elsewhere/1/x")),
                .unmount("a", from: "x") ~> "ours: busy umount2 EBUSY", act(.unmount("root/x"), "EBUSY"),
                act(.close("f")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "who lazily unmounts a copy of a shared root takes ours along",
            [
                act(.share("root")), act(.bind("root", to: "elsewhere/1")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "x") ~> "ours", act(.unmountLazily("elsewhere/1")),
                .inspect("x", expecting: "a") ~> "empty",
            ]),
        Scenario(
            "a copy that others have mounted on is left behind",
            [
                act(.share("root")), act(.bind("root", to: "elsewhere/1")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "x") ~> "ours", act(.makePrivate("elsewhere/1/x")),
                act(.makeFolder("root/x/s")), act(.mount("elsewhere/1/x/s")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "what lies on a copy comes down when the copy goes",
            spread + [
                act(.makePrivate("elsewhere/1/x")), act(.mount("elsewhere/1/x")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "a used copy keeps ours, whatever lies on it",
            spread + [
                act(.makePrivate("elsewhere/1/x")), act(.open("f", at: "elsewhere/1/x")), act(.mount("elsewhere/1/x")),
                .unmount("a", from: "x") ~> "ours: busy umount2 EBUSY", act(.unmount("root/x"), "EBUSY"),
                act(.close("f")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "a used copy that others have mounted in does not keep ours",
            spread + [
                act(.makePrivate("elsewhere/1/x")), act(.makeFolder("root/x/s")), act(.mount("elsewhere/1/x/s")),
                act(.open("f", at: "elsewhere/1/x")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "what a copy was mounted beneath comes down again when others unmount the copy",
            mounted + [
                act(.share("root")), act(.bind("root", to: "elsewhere/1")), act(.mount("elsewhere/1/x")),
                .inspect("x", expecting: "a") ~> "ours", act(.unmountLazily("elsewhere/1/x")),
                .inspect("x", expecting: "a") ~> "ours", .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "what spreads onto ours in its slot keeps it there until it is gone",
            spread + [
                act(.makePrivate("root")), .park("a", from: "x") ~> "parked", act(.mount("elsewhere/1/x")),
                .unmount("a", from: "x") ~> "covered: mount_failed move_mount EINVAL",
                .inspect("x", expecting: "a") ~> "covered: mount_failed move_mount EINVAL",
                .park("a", from: "x") ~> "not parked: move_mount EINVAL", act(.unmount("elsewhere/1/x")),
                .inspect("x", expecting: "a") ~> "ours",
            ]),
        Scenario(
            "a root that others have shared is made private again, and the copies stay",
            [
                act(.share("root")), act(.bind("root", to: "elsewhere/1")), .build("a", .tmpfs) ~> "built",
                .place("a", at: "x") ~> "ours", .drift ~> "the root was exposed", .drift ~> "none",
                .unmount("a", from: "x") ~> "empty", .build("b", .tmpfs) ~> "built", .place("b", at: "x") ~> "ours",
            ]),
        Scenario(
            "what was there before the root was shared does not spread, and is unmounted in its place",
            mounted + [
                act(.share("root")), act(.bind("root", to: "elsewhere/1")), .park("a", from: "x") ~> "not parked",
                .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "what comes back from its slot to a shared root spreads",
            mounted + [
                .park("a", from: "x") ~> "parked", act(.share("root")), act(.bind("root", to: "elsewhere/1")),
                .inspect("x", expecting: "a") ~> "ours",
            ]),
        Scenario(
            "what was mounted on the copy lies on what spreads there",
            [
                act(.share("root")), act(.bind("root", to: "elsewhere/1")), act(.makePrivate("root")),
                act(.makeFolder("root/x")), act(.mount("root/x")), act(.unmount("root/x")),
                act(.mount("elsewhere/1/x")), .build("a", .tmpfs) ~> "built", .place("a", at: "x") ~> "ours",
                .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "what was private on the copy is raised by what spreads there",
            [
                act(.makeFolder("root/x")), act(.bind("root", to: "elsewhere/1")), act(.mount("elsewhere/1/x")),
                act(.unmount("elsewhere/1/x")), act(.unmount("elsewhere/1")), act(.share("root")),
                act(.bind("root", to: "elsewhere/1")), act(.makePrivate("elsewhere/1")), act(.mount("elsewhere/1/x")),
                .build("a", .tmpfs) ~> "built", .place("a", at: "x") ~> "ours",
            ]),
    ]

    static let examining = [
        Scenario(
            "every place has its verdict",
            mounted + [
                .examine("x", expecting: "a") ~> "ok", act(.mount("root/x")),
                .examine("x", expecting: "a") ~> "foreign",
                act(.unmount("root/x")), act(.unmount("root/x")), .examine("x", expecting: "a") ~> "missing",
                act(.mount("root/x")), .examine("x", expecting: "a") ~> "replaced", act(.mount("root")),
                .examine("x", expecting: "a") ~> "unknown",
            ]),
        Scenario(
            "what was moved is missing",
            mounted + [act(.move("root/x", to: "elsewhere/1")), .examine("x", expecting: "a") ~> "missing"]),
        Scenario(
            "what others remount has drifted, without any change told, and gets its attributes back",
            mounted + [
                act(.remount("root/x", [.noDevices])), .examine("x", expecting: "a") ~> "drifted",
                .drift ~> "a without nosuid", .restore("a", at: "x") ~> "done", .drift ~> "none",
                .examine("x", expecting: "a") ~> "ok",
            ]),
        Scenario(
            "what has too much loses it",
            mounted + [
                act(.remount("root/x", [.readOnly, .noSetUserID, .noDevices, .noExecute])),
                .drift ~> "a with ro,noexec", .restore("a", at: "x") ~> "done", .drift ~> "none",
            ]),
        Scenario(
            "a read-only mount that was made writable is read-only again",
            [
                .build("a", .readOnlyTmpfs) ~> "built", .place("a", at: "x") ~> "ours",
                act(.remount("root/x", [.noSetUserID, .noDevices])), .drift ~> "a without ro",
                .restore("a", at: "x") ~> "done", .drift ~> "none",
            ]),
        Scenario(
            "a bind may have more than it was given",
            [
                .build("a", .folder) ~> "built", .place("a", at: "x") ~> "ours",
                act(.remount("root/x", [.readOnly, .noSetUserID, .noDevices])), .drift ~> "none",
                act(.remount("root/x", [])), .drift ~> "a without nosuid,nodev", .restore("a", at: "x") ~> "done",
                .drift ~> "none",
            ]),
        Scenario(
            "what is covered keeps its drift until it is on top again",
            mounted + [
                act(.remount("root/x", [])), act(.mount("root/x")), .drift ~> "a without nosuid,nodev",
                .restore("a", at: "x") ~> "done", .drift ~> "a without nosuid,nodev", act(.unmount("root/x")),
                .restore("a", at: "x") ~> "done", .drift ~> "none",
            ]),
        Scenario(
            "what is gone has not drifted",
            mounted + [act(.unmount("root/x")), .drift ~> "none", .restore("a", at: "x") ~> "done"]),
    ]
}
