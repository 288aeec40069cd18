// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `holdfast-torture crash`.
struct CrashCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crash",
        abstract: "Kill the daemon under load, again and again, and check what recovery makes of it.",
        discussion: """
            A seed gives the same ends in the same order and the same requests of each client; how the threads \
            interleave is up to the machine. Ends with status 1 at the first violation, and leaves everything as it \
            is then.
            """)

    @Option(help: "How many kills.")
    var kills = 1000

    @Option(help: "How many clients, 1 to 8.")
    var clients = 8

    @OptionGroup var options: DaemonOptions

    @Flag(help: "A failpoint that is never reached is a failure.")
    var all = false

    func validate() throws {
        if !(1...8).contains(clients) { throw ValidationError("1 to 8 clients") }
    }

    func run() throws {
        let seed = options.announcedSeed()
        let run = try CrashRun(daemon: options.daemon, clients: clients, seed: seed)
        do {
            let unreached = try run.run(kills: kills)
            if all, !unreached.isEmpty { throw Complaint("never reached: \(unreached.joined(separator: ", "))") }
        } catch {
            run.giveUp()
            Progress.say("\(error)\nseed \(seed); everything is left as it is, in \(run.world.folder)")
            Progress.say("again: holdfast-torture crash --seed \(seed) --kills \(kills) --clients \(clients)")
            throw ExitCode(1)
        }
    }
}
