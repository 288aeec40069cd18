// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import MountManager
import MountTestSupport
import MountWorker

/// Draws sequences of steps: few places and few mounts, so that they meet.
struct RandomSteps {
    private var generator: SeededGenerator
    private var built = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func sequence(count: Int) -> [Step] {
        var steps = prelude()
        while steps.count < count { steps.append(chance(of: 2) ? .act(act()) : operation()) }
        return steps
    }

    /// Most begin with a mount that is there, some with what chance would seldom come to.
    private mutating func prelude() -> [Step] {
        let mounted: [Step] = [.build(newName(), pick([.tmpfs, .tmpfs, .folder, .ext4])), .place("m1", at: "x")]
        let copy: [Step] = [.act(.share("root")), .act(.bind("root", to: "elsewhere/1"))]
        let inside: [Step] = [.act(.makeFolder("root/x/s")), .act(.mount("root/x/s"))]
        switch number(8) {
        case 0: return []
        case 1: return copy + mounted
        case 2: return mounted + copy
        case 3: return mounted + inside
        case 4: return copy + mounted + inside
        case 5: return mounted + [.park("m1", from: "x"), .act(.mount("root/x"))]
        default: return mounted
        }
    }

    private mutating func operation() -> Step {
        switch number(20) {
        case 0, 1: return .build(newName(), source())
        case 2, 3, 4: return .place(name(), at: place())
        case 5, 6, 7, 8: return .unmount(name(), from: place())
        case 9, 10, 11: return .inspect(place(), expecting: chance(of: 5) ? nil : name())
        case 12: return .examine(place(), expecting: name())
        case 13: return .close(name())
        case 14, 15: return .removeFolder(place())
        case 16: return chance(of: 2) ? .drift : .restore(name(), at: place())
        case 17, 18: return .park(name(), from: place())
        default:
            let steps: [ExecutorSteps.Step] = [.folderReady, .placed, .unmount, .unmounted, .built, .place]
            return .meanwhile(pick(steps), act())
        }
    }

    private mutating func act() -> Act {
        switch number(24) {
        case 0, 1, 2, 3: .mount(anywhere())
        case 4, 5, 6: .unmount(anywhere())
        case 7, 8: .unmountLazily(anywhere())
        case 9, 10: .move(anywhere(), to: anywhere())
        case 11: .bind(chance(of: 3) ? "root" : anywhere(), to: anywhere())
        case 12:
            .remount(anywhere(), pick([[], [.noSetUserID], [.readOnly, .noDevices], [.noSetUserID, .noDevices]]))
        case 13, 14: .share(chance(of: 2) ? "root" : anywhere())
        case 15: .makePrivate(chance(of: 2) ? "root" : anywhere())
        case 16, 17: .open(pick(["f", "g"]), at: anywhere())
        case 18, 19: .close(pick(["f", "g"]))
        case 20, 21: .makeFolder(anywhere() + pick(["", "/s"]))
        case 22: .makeFile(anywhere() + "/file")
        default: .removeFolder(anywhere())
        }
    }

    private mutating func source() -> Source {
        chance(of: 2) ? .tmpfs : pick(Source.allCases)
    }

    private mutating func place() -> String { pick(["x", "x", "x", "n/y", "n/y", "n", "x/s"]) }

    private mutating func anywhere() -> String {
        chance(of: 3)
            ? "root/" + place()
            : pick(
                [
                    "root/x", "root/x", "root/x/s", "root/n", "root/n/y", "elsewhere/1", "elsewhere/1/x", "elsewhere/2",
                    "root",
                ])
    }

    private mutating func newName() -> String {
        built += 1
        return "m\(built)"
    }

    /// Mostly the last one, seldom one that was never built.
    private mutating func name() -> String { chance(of: 3) ? "m\(1 + number(max(1, built)))" : "m\(max(1, built))" }

    private mutating func number(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }
    private mutating func chance(of count: Int) -> Bool { number(count) == 0 }
    private mutating func pick<Value>(_ values: [Value]) -> Value { values[number(values.count)] }
}
