// SPDX-License-Identifier: Apache-2.0

extension Scenario {
    static let limits = [
        Scenario(
            "a disk without room for the folder takes no mount, and takes it when there is room",
            [
                .build("a", .tmpfs) ~> "built", act(.fillDisk),
                .place("a", at: "x") ~> "empty: resource_exhausted mkdirat ENOSPC", act(.freeDisk),
                .build("b", .tmpfs) ~> "built", .place("b", at: "x") ~> "ours",
            ]),
        Scenario(
            "a full disk does not keep a mount",
            mounted + [act(.fillDisk), .unmount("a", from: "x") ~> "empty", .removeFolder("x") ~> "done"]),
        Scenario(
            "a namespace that is full takes no mount, and lets go of those that it has",
            mounted + [
                .build("b", .tmpfs) ~> "built", act(.fillNamespace),
                .place("b", at: "n/y") ~> "empty: resource_exhausted move_mount ENOSPC",
                act(.mount("elsewhere/1"), "ENOSPC"), .inspect("x", expecting: "a") ~> "ours",
                .park("a", from: "x") ~> "parked", .inspect("x", expecting: "a") ~> "ours",
                .unmount("a", from: "x") ~> "empty", .build("c", .tmpfs) ~> "built", .place("c", at: "x") ~> "ours",
                .build("d", .tmpfs) ~> "built",
                .place("d", at: "n/y") ~> "empty: resource_exhausted move_mount ENOSPC",
                act(.emptyNamespace), .build("e", .tmpfs) ~> "built", .place("e", at: "n/y") ~> "ours",
            ]),
    ]
}
