// SPDX-License-Identifier: Apache-2.0

extension Scenario {
    /// The explorations by their numbers, from 1: those of every commit first, then those that take minutes and
    /// gigabytes.
    public static let rows = everyCommit + long

    /// What every commit is explored with; the smallest comes first.
    public static let everyCommit = [
        Scenario(consumers: 2, volumes: 1, sources: 1, outstanding: 2, crashes: 1, reboots: 0, outsiders: 1),
        Scenario(consumers: 2, volumes: 1, sources: 2, outstanding: 2, crashes: 1, reboots: 1, outsiders: 1),
        Scenario(consumers: 1, volumes: 2, sources: 2, outstanding: 2, crashes: 1, reboots: 1, outsiders: 1),
        Scenario(
            consumers: 3, volumes: 2, sources: 1, outstanding: 3, crashes: 1, reboots: 1, outsiders: 0, features: []),
        Scenario(
            consumers: 1, volumes: 1, sources: 1, outstanding: 3, crashes: 1, reboots: 1, outsiders: 1,
            features: [.ownHints, .upgrades, .readOnlyStarts]),
        Scenario(
            consumers: 1, volumes: 1, sources: 2, outstanding: 2, crashes: 1, reboots: 1, outsiders: 2,
            features: [.ownHints, .external, .unhealed]),
        Scenario(consumers: 2, volumes: 1, sources: 2, outstanding: 2, crashes: 1, reboots: 0, outsiders: 1, rungs: 2),
    ]

    /// What is explored before a release, and after a change of the state machine.
    public static let long = [
        Scenario(
            consumers: 3, volumes: 1, sources: 2, outstanding: 3, crashes: 1, reboots: 1, outsiders: 1, rungs: 2),
        Scenario(consumers: 3, volumes: 2, sources: 1, outstanding: 2, crashes: 1, reboots: 1, outsiders: 1),
        Scenario(
            consumers: 1, volumes: 2, sources: 1, outstanding: 2, crashes: 1, reboots: 1, outsiders: 1,
            features: [.ownHints, .upgrades, .readOnlyStarts]),
        Scenario(
            consumers: 2, volumes: 1, sources: 2, outstanding: 2, crashes: 1, reboots: 1, outsiders: 2,
            features: [.ownHints, .external, .unhealed]),
    ]
}
