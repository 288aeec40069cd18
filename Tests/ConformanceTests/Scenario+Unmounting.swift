// SPDX-License-Identifier: Apache-2.0

import MountManager
import MountWorker

extension Scenario {
    static let unmounting = [
        Scenario(
            "a mount that nobody uses is unmounted, and its folder stays until it is removed",
            mounted + [
                .unmount("a", from: "x") ~> "empty", .inspect("x", expecting: "a") ~> "empty",
                .removeFolder("x") ~> "done",
            ]),
        Scenario(
            "an open file keeps a mount",
            mounted + [
                act(.open("f", at: "root/x")), .unmount("a", from: "x") ~> "ours: busy umount2 EBUSY",
                act(.unmount("root/x"), "EBUSY"), act(.close("f")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "a process that stands in it keeps a mount",
            mounted + [
                act(.stand("p", at: "root/x")), .unmount("a", from: "x") ~> "ours: busy umount2 EBUSY",
                act(.close("p")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "a mount inside keeps a mount",
            mounted + [
                act(.makeFolder("root/x/s")), act(.mount("root/x/s")),
                .unmount("a", from: "x") ~> "ours: busy umount2 EBUSY", act(.unmount("root/x"), "EBUSY"),
                act(.unmount("root/x/s")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "a file that is opened as the unmount begins keeps the mount",
            mounted + [
                .meanwhile(.unmount, .open("f", at: "root/x")) ~> "waits",
                .unmount("a", from: "x") ~> "ours: busy umount2 EBUSY; meanwhile open root/x as f: done",
            ]),
        Scenario(
            "a mount that others have covered is not unmounted, and theirs neither",
            mounted + [
                act(.mount("root/x")), .unmount("a", from: "x") ~> "covered: foreign", act(.unmount("root/x")),
                .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "others who cover it as the unmount begins are not unmounted",
            mounted + [
                .meanwhile(.unmount, .mount("root/x")) ~> "waits",
                .unmount("a", from: "x") ~> "covered: foreign; meanwhile mount root/x: done",
            ]),
        Scenario(
            "others who come when it is unmounted are seen",
            mounted + [
                .meanwhile(.unmounted, .mount("root/x")) ~> "waits",
                .unmount("a", from: "x") ~> "foreign; meanwhile mount root/x: done",
            ]),
        Scenario(
            "unmounting what is gone already is done",
            mounted + [act(.unmount("root/x")), .unmount("a", from: "x") ~> "empty"]),
        Scenario(
            "what was lazily unmounted in use is gone at once",
            mounted + [
                act(.open("f", at: "root/x")), act(.unmountLazily("root/x")), .unmount("a", from: "x") ~> "empty",
                .inspect("x", expecting: "a") ~> "empty", act(.close("f")),
            ]),
        Scenario(
            "an id that was never ours unmounts nothing",
            mounted + [.unmount("b", from: "x") ~> "foreign: foreign", .inspect("x", expecting: "a") ~> "ours"]),
        Scenario(
            "an unmount at the wrong place unmounts nothing",
            mounted + [.unmount("a", from: "n/y") ~> "moved", .inspect("x", expecting: "a") ~> "ours"]),
        Scenario(
            "a read-only mount is unmounted as any other",
            [
                .build("a", .readOnlyTmpfs) ~> "built", .place("a", at: "x") ~> "ours",
                act(.makeFolder("root/x/s"), "EROFS"), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "a mount whose root is covered is not reached",
            mounted + [
                act(.mount("root")), .unmount("a", from: "x") ~> "covered: foreign statx EXDEV",
                act(.unmount("root")), .unmount("a", from: "x") ~> "empty",
            ]),
        Scenario(
            "with a folder on the way covered a mount is not reached",
            [
                .build("a", .tmpfs) ~> "built", .place("a", at: "n/y") ~> "ours", act(.mount("root/n")),
                .unmount("a", from: "n/y") ~> "covered: foreign", .removeFolder("n/y") ~> "foreign openat2 EBUSY",
                act(.unmount("root/n")), .unmount("a", from: "n/y") ~> "empty",
            ]),
    ]
}
