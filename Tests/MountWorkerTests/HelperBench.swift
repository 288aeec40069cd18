// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Glibc
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountWorker

/// A worker whose helper program is a shell script, in a control group of its own.
///
/// Without parameters the script has the source as `$1` and the mountpoint as `$2`.
final class HelperBench {
    let group: ControlGroup
    let site: WorkerSite
    var hiddenPrograms: [FilePath] = []

    private init(_ site: WorkerSite, _ group: ControlGroup) {
        self.site = site
        self.group = group
    }

    /// Runs the body; afterwards the group is killed, and nothing may be left.
    static func with(_ body: (HelperBench) throws -> Void) throws {
        try WorkerSite.with { site in
            let group = try ControlGroup.make("nursery-test-\(getpid())", in: ControlGroup.own())
            try body(HelperBench(site, group))
            try group.kill()
            while try !group.remove() { sched_yield() }
        }
    }

    /// Has a new worker run the script.
    private func call(
        _ script: String, _ parameters: [MountRecipe.Parameter], type: String
    ) throws -> (worker: WorkerProcess, order: WorkerOrder) {
        var program = HelperProgram(name: "sh", words: ["-c", script], style: .separateOptions, source: "some:where")
        program.hiddenPrograms = hiddenPrograms
        var recipe = WorkerSite.recipe(type, .helper(program), [.noExecute])
        recipe.parameters = parameters
        return (try WorkerProcess(site.program), WorkerOrder(.build(recipe, group: group.path), lock: nil))
    }

    /// What the worker says of the script; it ends by itself then.
    func reply(
        to script: String, _ parameters: [MountRecipe.Parameter] = [], type: String = "tmpfs"
    ) throws -> WorkerReply {
        let (worker, order) = try call(script, parameters, type: type)
        guard case .answered(let reply, _) = worker.call(order, with: nil, until: .now + .seconds(30)) else {
            throw SystemCallError("call", .timedOut)
        }
        worker.waitForEnd()
        return reply
    }

    /// What a script mounts.
    func mount(_ script: String, type: String = "tmpfs") throws -> DetachedMount {
        let (worker, order) = try call(script, [], type: type)
        guard
            case .answered(.built, let carried) = worker.call(order, with: nil, until: .now + .seconds(30)),
            let descriptor = carried
        else { throw SystemCallError("call", .timedOut) }
        worker.waitForEnd()
        return try DetachedMount(receiving: descriptor)
    }

    /// What a script that fails has said.
    func output(_ script: String, _ parameters: [MountRecipe.Parameter] = []) throws -> [String] {
        guard case .helperFailed(let failure) = try reply(to: script + "\nexit 1", parameters) else {
            throw SystemCallError("call", .invalidArgument)
        }
        #expect(failure.status == 1)
        return failure.output
    }

    /// Why there is no mount, where no words of a program say it.
    func refusal(_ script: String, _ parameters: [MountRecipe.Parameter] = [], type: String = "tmpfs") throws
        -> SystemCallError
    {
        guard case .failed(let error) = try reply(to: script, parameters, type: type) else {
            throw SystemCallError("call", .invalidArgument)
        }
        return error
    }
}
