// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `holdfast`: the command line of the daemon's API.
struct Holdfast: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast",
        abstract: "Keep filesystems mounted for as long as someone needs them.",
        discussion: """
            Exit statuses: 0 done, 1 'verify' or 'doctor' found something, 64 wrong usage, 65 invalid argument, 66 \
            not found, 69 daemon not there or not able, 70 internal error, 73 mount failed, 74 output failed, 75 \
            busy, conflict or timed out (try again), 77 permission denied.
            """,
        version: "0.1.0",
        subcommands: [
            Attach.self, Plan.self, Detach.self, List.self, Show.self, Verify.self, Status.self, Doctor.self,
        ])

    @OptionGroup var common: CommonOptions
}
