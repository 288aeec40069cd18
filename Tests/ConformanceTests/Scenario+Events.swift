// SPDX-License-Identifier: Apache-2.0

extension Scenario {
    /// Which changes these are told is compared with Linux after each step, and spelled out in `ChangeTests`.
    static let events = [
        Scenario(
            "what others do beneath the root and elsewhere is told",
            [
                act(.makeFolder("root/x")), act(.mount("root/x")), act(.mount("root/x")), act(.unmount("root/x")),
                act(.unmountLazily("root/x")), act(.mount("elsewhere/1")), act(.move("elsewhere/1", to: "root/x")),
                act(.bind("root/x", to: "elsewhere/2")), act(.unmount("elsewhere/2")),
            ]),
        Scenario(
            "a tree that goes at once is told mount by mount",
            mounted + [
                act(.makeFolder("root/x/s")), act(.mount("root/x/s")), act(.mount("root/x/s")),
                act(.unmountLazily("root/x")),
            ]),
        Scenario(
            "an unmount that finds a user changes nothing and tells nothing",
            mounted + [act(.open("f", at: "root/x")), .unmount("a", from: "x") ~> "ours: busy umount2 EBUSY"]),
    ]
}
