// SPDX-License-Identifier: Apache-2.0

import LinuxMount
import MountManager
import MountModel
import MountTestSupport
import NIOConcurrencyHelpers
import SystemPackage

/// What was to be seen after a step. Ids are replaced by names, so that two kernels can be compared.
struct Observation: Hashable, CustomStringConvertible {
    /// What the step was answered: `ours`, `covered: foreign openat2 EBUSY`…
    var answer: String
    /// What the changes' source told.
    var changes: [String]
    /// What is mounted, and on what.
    var mounts: [String]
    /// What is in the managed root's folder; closed mountpoints in brackets.
    var folders: [String]
    var loopDevices: Int

    var description: String {
        "\(answer); changes \(changes); mounts \(mounts); folders \(folders); loop devices \(loopDevices)"
    }
}

/// Goes through steps in a world and notes what there is to see after each.
struct Course<Place: World> {
    private let world: Place
    private let interlude: Interlude
    private var names: [MountID: String]
    private var ids: [String: MountID] = [:]
    private var sources: [MountID: MountSource] = [:]
    private var highest: UInt64 = 0
    /// What somebody who acted at a step of an operation was answered.
    private let meanwhile = NIOLockedValueBox<[String]>([])

    init(_ world: Place, _ interlude: Interlude) {
        self.world = world
        self.interlude = interlude
        names = world.own
    }

    /// Goes through all steps.
    ///
    /// - Parameter expectedLoopDevices: after each step, where that is known.
    mutating func go(_ steps: [Step], expectedLoopDevices: [Int]? = nil) async throws -> [Observation] {
        var observations: [Observation] = []
        defer { interlude.cancel() }
        for (number, step) in steps.enumerated() {
            var answer = try await answer(to: step)
            for note in meanwhile.withLockedValue({ notes in
                defer { notes = [] }; return notes
            }) {
                answer += "; meanwhile \(note)"
            }
            observations.append(try observation(answer, expectedLoopDevices: expectedLoopDevices?[number]))
        }
        return observations
    }

    // MARK: - Steps

    private mutating func answer(to step: Step) async throws -> String {
        let executor = world.executor
        switch step {
        case .build(let name, let source): return await build(name, source)
        case .place(let name, let place):
            return text(await executor.place(id(name), at: try world.mountpoint(place)))
        case .unmount(let name, let place):
            return text(await executor.unmount(id(name), from: try world.mountpoint(place), rung: 0))
        case .inspect(let place, let name):
            return text(await executor.inspect(try world.mountpoint(place), expecting: name.map(id)))
        case .examine(let place, let name):
            let id = id(name)
            let source = sources[id] ?? Source.tmpfs.mountSource(in: world.folder)
            return await executor.examine(try world.mountpoint(place), expecting: id, of: source).result.rawValue
        case .close(let name):
            await executor.close(id(name))
            return "done"
        case .removeFolder(let place):
            let mountpoint = try world.mountpoint(place)
            do throws(MountError) {
                try await executor.removeFolder(at: mountpoint)
                return "done"
            } catch {
                return text(error)
            }
        case .drift: return await executor.drift(among: sources).map { text($0) } ?? "unknown"
        case .restore(let name, let place):
            let id = id(name)
            let source = sources[id] ?? Source.tmpfs.mountSource(in: world.folder)
            return await executor.restoreAttributes(of: id, at: try world.mountpoint(place), for: source).map(text)
                ?? "done"
        case .detect(let source):
            do throws(MountError) {
                let path = source.mountSource(in: world.folder).source
                return "\(try await executor.detectType(of: path, within: .seconds(60)))"
            } catch {
                return text(error)
            }
        case .park(let name, let place):
            do {
                return try world.park(id(name), from: try world.mountpoint(place)) ? "parked" : "not parked"
            } catch let error as SystemCallError {
                return "not parked: \(error.call) \(Self.name(of: error.errno))"
            }
        case .act(let act): return Self.perform(act, in: world)
        case .meanwhile(let step, let act):
            interlude.await(step) { [world, meanwhile] in
                let answer = Self.perform(act, in: world)
                meanwhile.withLockedValue { $0.append("\(act): \(answer)") }
            }
            return "waits"
        }
    }

    private mutating func build(_ name: String, _ source: Source) async -> String {
        let mountSource = source.mountSource(in: world.folder)
        do throws(MountError) {
            let id = try await world.executor.build(mountSource, for: Mountpoint("/srv/\(name)"))
            let isNew = id.rawValue > highest && names[id] == nil
            highest = max(highest, id.rawValue)
            names[id] = name
            ids[name] = id
            sources[id] = mountSource
            return isNew ? "built" : "built under an id that was given before"
        } catch {
            return text(error)
        }
    }

    /// One that was never built has an id that no kernel gives.
    private func id(_ name: String) -> MountID { ids[name] ?? MountID(rawValue: 1 << 60) }

    private static func perform(_ act: Act, in world: Place) -> String {
        do throws(Errno) {
            try world.perform(act)
            return "done"
        } catch {
            return name(of: error)
        }
    }

    // MARK: - What is seen

    private mutating func observation(_ answer: String, expectedLoopDevices: Int?) throws -> Observation {
        // First of all: what has changed by the time the step has returned is there to be drained.
        let changes = world.changes.drain()
        let mounts = try world.mounts()
        let parents = Dictionary(mounts.map { ($0.id, $0.parent) }, uniquingKeysWith: { first, _ in first })
        func depth(_ id: MountID) -> Int { parents[id].map { 1 + depth($0) } ?? 0 }
        let sorted = mounts.map { (mount: $0, path: world.relative($0.path), depth: depth($0.id)) }
            .sorted { ($0.path, $0.depth, $0.mount.id) < ($1.path, $1.depth, $1.mount.id) }
        for (mount, _, _) in sorted where names[mount.id] == nil { names[mount.id] = "others\(names.count)" }
        return Observation(
            answer: answer, changes: text(changes),
            mounts: sorted.map { "\(name($0.mount.id)) on \(name($0.mount.parent)) at \(hidingIDs($0.path))" }.sorted(),
            folders: try world.folders().map { $1 ? "[\(world.relative($0))]" : world.relative($0) }.sorted(),
            loopDevices: try world.loopDevices(expected: expectedLoopDevices))
    }

    private func name(_ id: MountID) -> String { names[id] ?? "one that came and went" }

    /// A slot is named by the id of its mount.
    private func hidingIDs(_ path: String) -> String {
        guard path.hasPrefix("parking/") else { return path }
        return path.split(separator: "/").map { part in
            UInt64(part).map { "slot of \(name(MountID(rawValue: $0)))" } ?? String(part)
        }.joined(separator: "/")
    }

    private func text(_ changes: MountChanges) -> [String] {
        switch changes {
        case .none: return []
        case .everything: return ["everything"]
        case .mounts(let list):
            return Set(
                list.map { change in
                    guard let parent = change.parent else { return "\(name(change.id)) gone" }
                    let place = change.mountpoint.map { hidingIDs(world.relative($0.path.string)) } ?? "nowhere"
                    return "\(name(change.id)) on \(name(parent)) at \(place)"
                }
            ).sorted()
        }
    }

    private func text(_ drift: Drift) -> String {
        var texts = drift.mounts.map { "\(name($0)) \($1)" }.sorted()
        if drift.isRootExposed { texts.append("the root was exposed") }
        texts += drift.problems.map(text)
        return texts.isEmpty ? "none" : texts.joined(separator: ", ")
    }

    private func text(_ outcome: OperationOutcome) -> String {
        "\(outcome.seen)" + (outcome.problem.map { ": " + text($0) } ?? "")
    }

    private func text(_ error: MountError) -> String {
        let errno = error.context.errno.map { Self.name(of: Errno(rawValue: $0)) }
        return [error.code.rawValue, error.context.systemCall, errno].compactMap { $0 }.joined(separator: " ")
    }

    private static func name(of errno: Errno) -> String {
        let names: [Errno: String] = [
            .notPermitted: "EPERM", .noSuchFileOrDirectory: "ENOENT", .resourceBusy: "EBUSY", .fileExists: "EEXIST",
            .improperLink: "EXDEV", .notDirectory: "ENOTDIR", .invalidArgument: "EINVAL", .noSpace: "ENOSPC",
            .readOnlyFileSystem: "EROFS", .tooManySymbolicLinkLevels: "ELOOP", .directoryNotEmpty: "ENOTEMPTY",
            .permissionDenied: "EACCES", Errno(rawValue: 15): "ENOTBLK",
        ]
        return names[errno] ?? "errno \(errno.rawValue)"
    }
}
