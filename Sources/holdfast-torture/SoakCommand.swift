// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `holdfast-torture soak`.
struct SoakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak", abstract: "Load the daemon for minutes, with faults, and check that it does not grow.",
        discussion: """
            After the warm-up the trend of its private memory must stay below the limit, and in no pause of the load \
            may it have more descriptors of any kind than in the first one; the second half of that time may not have \
            more threads than the first half. Ends with status 1 otherwise.
            """)

    @Option(help: "How long.")
    var minutes = 10.0

    @Option(help: "How many clients, 1 to 32.")
    var clients = 24

    @OptionGroup var options: DaemonOptions

    @Option(help: "Seconds before growth counts.")
    var warmUp = 300.0

    @Option(help: "KiB a minute that the memory may grow by.")
    var limit = 64.0

    @Option(help: "Seconds of load between two pauses.")
    var segment = 20.0

    func validate() throws {
        if !(1...32).contains(clients) { throw ValidationError("1 to 32 clients") }
    }

    func run() throws {
        let seed = options.announcedSeed()
        let run = try SoakRun(daemon: options.daemon, clients: clients, seed: seed)
        do {
            try run.run(
                seconds: minutes * 60, segment: segment, judge: GrowthJudge(warmUp: warmUp, limit: limit))
        } catch {
            run.giveUp()
            Progress.say("\(error)\nseed \(seed); everything is left as it is, in \(run.world.folder)")
            throw ExitCode(1)
        }
    }
}
