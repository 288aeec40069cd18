// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Foundation
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

@testable import MountWorker

/// What a helper program has around it, and what becomes of what it mounts: with real workers, on the real kernel.
@Suite(.serialized, .timeLimit(.minutes(1))) struct NurseryTests {
    private static let mounting = "mount -t tmpfs -o nosuid \"$1\" \"$2\""

    @Test func `it sees the few mounts that programs need, and none of the host's others`() throws {
        try HelperBench.with { bench in
            let id = try bench.site.place(
                try MountOperations(root: bench.site.root, parking: bench.site.parking).build(
                    WorkerSite.recipe("tmpfs"), lock: nil, interrupt: nil), at: "others")
            let mounts = try bench.output("cut -d' ' -f5 /proc/self/mountinfo")
            // Folders of programs are links into /usr, or mounts where a host has not merged them.
            let programs: Set = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]
            #expect(
                Set(mounts).subtracting(programs) == [
                    "/", "/usr", "/etc", "/dev", "/run", "/var", "/proc", "/unfinished",
                ])
            #expect(mounts.count == Set(mounts).count)
            #expect(
                try bench.output("ls /").sorted().filter { !programs.contains("/" + $0) } == [
                    "dev", "etc", "mnt", "proc", "root", "run", "tmp", "unfinished", "usr", "var",
                ])
            try bench.site.end(id, at: "others")
        }
    }

    @Test func `it cannot write where the host's programs and settings are`() throws {
        try HelperBench.with { bench in
            for folder in ["/usr", "/etc"] {
                let said = try bench.output("touch \(folder)/holdfast-was-here")
                #expect(said.count == 1 && said[0].hasSuffix("Read-only file system"), "\(said)")
            }
            let said = try bench.output("for i in /root /tmp /mnt; do touch $i/x || echo $i; done; stat -c %a /root")
            #expect(said == ["700"])
            // Nobody else has seen these.
            #expect(access("/mnt/x", F_OK) != 0)
        }
    }

    @Test func `a program that is hidden from it cannot be started, and one that the host has not is no matter`() throws
    {
        try HelperBench.with { bench in
            let script = "/usr/bin/env echo started || echo \"ended with $?\""
            #expect(try bench.output(script) == ["started"])
            bench.hiddenPrograms = ["/usr/sbin/none", "/usr/bin/env"]
            let said = try bench.output(script)
            #expect(said.count == 2 && said.last == "ended with 126", "\(said)")
            #expect(access("/usr/bin/env", X_OK) == 0)
        }
    }

    @Test func `its environment and descriptors are what is written down, whatever the daemon has`() throws {
        try HelperBench.with { bench in
            let said = try bench.output(
                "tr '\\0' '\\n' </proc/$$/environ; ls /proc/$$/fd; readlink /proc/$$/fd/0 /proc/$$/cwd")
            #expect(said == HelperRun.environment + ["0", "1", "2", "/dev/null", "/"])
        }
    }

    @Test func `what it mounts is handed on, with the attributes of the recipe, and nobody else sees it`() throws {
        try HelperBench.with { bench in
            let before = try MountTable(.mountinfo).entries().count
            let mount = try bench.mount(Self.mounting + "; echo hello >\"$2/file\"")
            #expect(try MountTable(.mountinfo).entries().count == before)
            #expect(try bench.group.processes() == [])
            let id = try bench.site.place(mount, at: "data")
            let entry = try #require(try bench.site.root.table.entry(id))
            #expect(entry.attributes.isSuperset(of: [.noSetUserID, .noDevices, .noExecute]))
            let path = bench.site.root.path.appending("data/file").string
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "hello\n")
            try bench.site.end(id, at: "data")
        }
    }

    @Test func `something else than was asked for is not taken`() throws {
        try HelperBench.with { bench in
            let other = try bench.refusal(Self.mounting, type: "fuse.sshfs")
            #expect(other.errno == .notSupported)
            #expect(other.subject == "sh has mounted a tmpfs")
            let two = try bench.refusal("\(Self.mounting)\n\(Self.mounting)")
            #expect(two.errno == .resourceBusy)
            let nothing = try bench.reply(to: "echo done")
            #expect(nothing == .helperFailed(HelperFailure(program: "sh", status: 0, output: ["done"])))
            // Where nobody looks for it.
            let elsewhere = try bench.reply(to: "mount -t tmpfs \"$1\" /tmp")
            #expect(elsewhere == .helperFailed(HelperFailure(program: "sh", status: 0, output: [])))
        }
    }

    @Test func `how it ends is told, with its words`() throws {
        try HelperBench.with { bench in
            let refused = try bench.reply(to: "echo out; echo err >&2; exit 32")
            #expect(refused == .helperFailed(HelperFailure(program: "sh", status: 32, output: ["out", "err"])))
            let killed = try bench.reply(to: "kill -KILL $$")
            #expect(killed == .helperFailed(HelperFailure(program: "sh", status: 137, output: [])))
            // A mount of one that says that it has failed is none.
            let mounted = try bench.reply(to: Self.mounting + "; exit 3")
            #expect(mounted == .helperFailed(HelperFailure(program: "sh", status: 3, output: [])))
        }
    }

    @Test func `one that writes for ever is read to the end, and its first lines are told`() throws {
        try HelperBench.with { bench in
            let said = try bench.output("echo begin; head -c 1000000 /dev/zero | tr '\\0' x; echo end")
            #expect(said == ["begin"])
        }
    }

    @Test func `a program that is not there is named, with where it was looked for`() throws {
        try HelperBench.with { bench in
            let program = HelperProgram(name: "mount.none", style: .mountHelper, source: "a")
            let worker = try WorkerProcess(bench.site.program)
            let order = WorkerOrder(
                .build(WorkerSite.recipe("tmpfs", .helper(program)), group: bench.group.path), lock: nil)
            guard
                case .answered(.failed(let error), _) = worker.call(order, with: nil, until: .now + .seconds(30))
            else { throw SystemCallError("call", .timedOut) }
            worker.waitForEnd()
            #expect(error.errno == .noSuchFileOrDirectory)
            #expect(error.subject?.contains("mount.none (not in /usr/local/sbin, ") == true)
        }
    }

    @Test func `its files are copies that root alone can read, and a secret's words are starred`() throws {
        try HelperBench.with { bench in
            let path = bench.site.folder.appending("secret")
            try Data("pass hunter2\n".utf8).write(to: URL(filePath: path.string))
            try #require(chmod(path.string, 0o600) == 0)
            let parameters: [MountRecipe.Parameter] = [.file("key", path, isSecret: true)]
            let said = try bench.output(
                "for i; do echo \"$i\"; done; cat /root/key; stat -c '%u %a' /root/key", parameters)
            #expect(said == ["key=/root/key", "--", "some:where", "/mnt", "***", "0 600"])
            try Data("port = a\\b\"c-hunter3\n".utf8).write(to: URL(filePath: path.string))
            #expect(
                try bench.output(#"printf '%s\n' 'no port: "a\\b\"c-hunter3"' 'a\b"c-hunter3'"#, parameters)
                    == [#"no port: "***""#, "***"])
            try #require(chmod(path.string, 0o640) == 0)
            let open = try bench.refusal("true", parameters)
            #expect(open.errno == .notPermitted)
            #expect(open.subject?.contains("chmod 0600 \(path)") == true, "\(open)")
            // Whom to trust is for root to say, though everybody may know.
            try #require(chmod(path.string, 0o644) == 0)
            #expect(try bench.output("true", [.file("key", path, isSecret: false)]) == [])
            for (mode, owner) in [(0o664, 0), (0o644, 65534)] as [(mode_t, uid_t)] {
                try #require(chmod(path.string, mode) == 0 && chown(path.string, owner, 0) == 0)
                let others = try bench.refusal("true", [.file("key", path, isSecret: false)])
                #expect(others.errno == .notPermitted, "\(others)")
            }
            let missing = try bench.refusal("true", [.file("key", path.appending("none"), isSecret: false)])
            #expect(missing.errno == .notDirectory)
        }
    }

    @Test func `what is no small regular file is not copied`() throws {
        try HelperBench.with { bench in
            let folder = bench.site.folder
            try #require(mkfifo(folder.appending("fifo").string, 0o600) == 0)
            try #require(symlink("/etc/passwd", folder.appending("link").string) == 0)
            try Data(count: HostFile.maximumSize + 1).write(to: URL(filePath: folder.appending("big").string))
            for (name, errno) in [
                ("fifo", Errno.invalidArgument), ("link", .tooManySymbolicLinkLevels), ("big", .fileTooLarge),
                ("none", .noSuchFileOrDirectory), (".", .invalidArgument),
            ] {
                let refusal = try bench.refusal("true", [.file("key", folder.appending(name), isSecret: false)])
                #expect(refusal.errno == errno, "\(name): \(refusal)")
            }
        }
    }

    @Test func `what it leaves behind is unfinished until its mount is handed on`() throws {
        try HelperBench.with { bench in
            let staying = "sleep 600 </dev/null >/dev/null 2>&1 &"
            _ = try bench.output(staying)
            _ = try bench.output(Self.mounting + "\n" + staying)
            let left = try bench.group.processes()
            #expect(left.count == 2)
            for process in left { #expect(try Nursery.isUnfinished(process)) }
            try bench.group.kill()
            while try !bench.group.processes().isEmpty { sched_yield() }
            let mount = try bench.mount(Self.mounting + "\n" + staying)
            let serving = try #require(try bench.group.processes().first)
            #expect(try !Nursery.isUnfinished(serving))
            _ = consume mount
            #expect(throws: SystemCallError.self) { try Nursery.isUnfinished(.max) }
        }
    }

    @Test func `without a group, or by the daemon itself, no program is run`() throws {
        try WorkerSite.with { site in
            let program = HelperProgram(name: "sshfs", style: .separateOptions, source: "h:/")
            let recipe = WorkerSite.recipe("fuse.sshfs", .helper(program))
            let worker = try WorkerProcess(site.program)
            guard
                case .answered(.failed(let error), _) = worker.call(
                    WorkerOrder(.build(recipe), lock: nil), with: nil, until: .now + .seconds(30))
            else { throw SystemCallError("call", .timedOut) }
            worker.waitForEnd()
            #expect(error.errno == .notSupported)
            #expect(error.subject == "sshfs (a helper program needs a worker process for itself)")
        }
    }
}
