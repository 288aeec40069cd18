// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MountTestSupport

/// What all commands take.
struct DaemonOptions: ParsableArguments {
    @Option(help: "Begin with this; by default with a random number, which is printed.")
    var seed: UInt64?

    @Option(help: "The daemon; by default the one built beside this. 'crash' needs a debug build.")
    var daemon: String = DaemonProcess.programBeside

    /// The seed that was given, or one that is new; prints it.
    func announcedSeed() -> UInt64 {
        let seed = seed ?? .random(in: 1...999_999)
        Progress.say("seed \(seed)")
        return seed
    }
}
