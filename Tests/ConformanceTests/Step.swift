// SPDX-License-Identifier: Apache-2.0

import MountManager
import MountWorker

/// One thing that happens in a scenario: the product asks, or somebody else acts. Mounts are named by who builds them,
/// mountpoints are relative to the managed root.
enum Step: Hashable, Sendable, CustomStringConvertible {
    case build(String, Source)
    case place(String, at: String)
    case unmount(String, from: String)
    case inspect(String, expecting: String?)
    case examine(String, expecting: String)
    case close(String)
    case removeFolder(String)
    case drift
    case restore(String, at: String)
    case detect(Source)
    /// A process was killed between parking the mount and unmounting it.
    case park(String, from: String)
    case act(Act)
    /// Somebody acts just when the next operation reaches this step.
    case meanwhile(ExecutorSteps.Step, Act)

    var description: String {
        switch self {
        case .build(let name, let source): "build \(name) of \(source)"
        case .place(let name, let place): "place \(name) at \(place)"
        case .unmount(let name, let place): "unmount \(name) from \(place)"
        case .inspect(let place, let name): "inspect \(place) for \(name ?? "nothing")"
        case .examine(let place, let name): "examine \(place) for \(name)"
        case .close(let name): "close \(name)"
        case .removeFolder(let place): "remove the folder \(place)"
        case .drift: "look for drift"
        case .restore(let name, let place): "restore \(name) at \(place)"
        case .detect(let source): "detect \(source)"
        case .park(let name, let place): "park \(name) from \(place) and be killed"
        case .act(let act): "somebody: \(act)"
        case .meanwhile(let step, let act): "at \(step.rawValue), somebody: \(act)"
        }
    }
}
