// SPDX-License-Identifier: Apache-2.0

extension Scenario {
    static let others = [
        Scenario(
            "what is foreign and over nothing of ours is foreign to whoever asks",
            [
                act(.makeFolder("root/x")), act(.mount("root/x")),
                .inspect("x", expecting: nil) ~> "foreign: foreign",
                .inspect("x", expecting: "a") ~> "foreign: foreign",
            ]),
        Scenario(
            "two foreign layers over ours are covered until both are gone",
            mounted + [
                act(.mount("root/x")), act(.mount("root/x")), .inspect("x", expecting: "a") ~> "covered: foreign",
                act(.unmount("root/x")), .inspect("x", expecting: "a") ~> "covered: foreign",
                act(.unmount("root/x")), .inspect("x", expecting: "a") ~> "ours",
            ]),
        Scenario(
            "ours replaced by theirs is foreign",
            mounted + [
                act(.unmount("root/x")), act(.mount("root/x")), .inspect("x", expecting: "a") ~> "foreign: foreign",
                .unmount("a", from: "x") ~> "foreign: foreign",
            ]),
        Scenario(
            "a foreign mount inside ours is none of ours",
            mounted + [
                act(.makeFolder("root/x/s")), act(.mount("root/x/s")), .inspect("x", expecting: "a") ~> "ours",
            ]),
        Scenario(
            "a mount that takes its whole tree with it leaves nothing of ours",
            mounted + [
                act(.unmountLazily("root")), .inspect("x", expecting: "a") ~> "foreign: foreign statx EXDEV",
            ]),
        Scenario(
            "a copy of ours elsewhere is not ours",
            mounted + [
                act(.bind("root/x", to: "elsewhere/1")), .unmount("a", from: "x") ~> "empty",
                .inspect("x", expecting: "a") ~> "empty",
            ]),
    ]

    static let moving = [
        Scenario(
            "what others move away is moved, and ours again when it comes back",
            mounted + [
                act(.move("root/x", to: "elsewhere/1")), .inspect("x", expecting: "a") ~> "moved: foreign",
                .unmount("a", from: "x") ~> "moved", act(.move("elsewhere/1", to: "root/x")),
                .inspect("x", expecting: "a") ~> "ours",
            ]),
        Scenario(
            "what others move away and cover there is still moved",
            mounted + [
                act(.move("root/x", to: "elsewhere/1")), act(.mount("elsewhere/1")),
                .inspect("x", expecting: "a") ~> "moved: foreign",
            ]),
        Scenario(
            "with theirs in the place of what they moved away it is moved, and theirs is not touched",
            mounted + [
                act(.move("root/x", to: "elsewhere/1")), act(.mount("root/x")),
                .inspect("x", expecting: "a") ~> "moved: foreign", .unmount("a", from: "x") ~> "moved: foreign",
            ]),
        Scenario(
            "what is moved from one mountpoint to another is moved for both",
            mounted + [
                act(.makeFolder("root/n")), act(.move("root/x", to: "root/n")),
                .inspect("x", expecting: "a") ~> "moved: foreign", .inspect("n", expecting: nil) ~> "foreign: foreign",
            ]),
        Scenario(
            "a mount does not move into itself",
            mounted + [act(.makeFolder("root/x/s")), act(.move("root/x", to: "root/x/s"), "ELOOP")]),
        Scenario(
            "what is mounted on something shared cannot be moved",
            mounted + [act(.share("root")), act(.move("root/x", to: "elsewhere/1"), "EINVAL")]),
        Scenario(
            "what was moved away and unmounted there is gone",
            mounted + [
                act(.move("root/x", to: "elsewhere/1")), act(.unmount("elsewhere/1")),
                .inspect("x", expecting: "a") ~> "empty",
            ]),
    ]
}
