// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// An absolute path as its names: `FilePath` checks itself at every step, which tests of thousands of steps feel.
struct SimulatedPath: Hashable, CustomStringConvertible {
    var names: [String]

    static let top = SimulatedPath(names: [])

    init(names: [String]) { self.names = names }

    init(_ path: FilePath) { names = path.string.split(separator: "/").map(String.init) }

    var last: String? { names.last }

    /// The folder that holds it.
    var folder: SimulatedPath { SimulatedPath(names: names.dropLast()) }

    var description: String { "/" + names.joined(separator: "/") }

    func appending(_ name: String) -> SimulatedPath { SimulatedPath(names: names + [name]) }

    /// Whether it is that path or beneath it.
    func starts(with path: SimulatedPath) -> Bool { names.starts(with: path.names) }

    /// What is beneath that path, from there; nil where it is not beneath it.
    func names(beneath path: SimulatedPath) -> [String]? {
        starts(with: path) ? Array(names.dropFirst(path.names.count)) : nil
    }
}
