// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import MountModel
import Testing

@Suite("Command line: as a process")
struct CommandProcessTests {
    @Test("attach prints the path and nothing else")
    func attach() throws {
        let server = try ScriptedServer(answering: Samples.attached)
        let run = try CommandRun.run([
            "attach", "/dev/vdb", "--consumer", "vm-1", "--volume", "v", "--type", "ext4", "-o", "ro,data=ordered",
            "-o", "noatime", "--at", "/m", "--lease", "persistent", "--timeout", "500ms", "--socket", server.path,
        ])
        #expect(run.status == 0)
        #expect(run.output == "/run/holdfast/mounts/data\n")
        #expect(run.errors == "")
        let body = try #require(server.stop().first).body
        #expect(
            try APIJSON.decodeRequest(AttachRequest.self, from: body.utf8)
                == AttachRequest(
                    source: "/dev/vdb", consumer: "vm-1", volume: "v", type: "ext4",
                    options: ["ro", "data=ordered", "noatime"], at: "/m",
                    lease: "persistent", timeoutSeconds: 0.5))
    }

    @Test("plan takes what attach takes, and exits as the attach would")
    func plan() throws {
        let server = try ScriptedServer(answering: Samples.plan)
        let options = [
            "/dev/vdb", "--consumer", "vm-1", "--volume", "v", "--type", "ext4", "-o", "ro,data=ordered",
            "-o", "noatime", "--at", "/m", "--lease", "persistent", "--timeout", "500ms", "--socket", server.path,
        ]
        let run = try CommandRun.run(["plan"] + options)
        #expect(run.status == 0)
        #expect(run.output.hasPrefix("verdict     use_existing\n"))
        _ = try CommandRun.run(["attach"] + options)
        let requests = server.stop()
        #expect(requests.map(\.line) == ["POST /v1/plan HTTP/1.1", "POST /v1/attachments HTTP/1.1"])
        #expect(requests.first?.body == requests.last?.body)
        let refusing = try ScriptedServer(answering: Samples.refusedPlan)
        let refused = try CommandRun.run(["plan", "/s", "--consumer", "c", "--socket", refusing.path])
        #expect(refused.status == 73 && refused.errors == "")
        #expect(refused.output.hasPrefix("verdict     refused\n"))
    }

    @Test("a secret that does not come to its end ends the attach in its time, and nothing is sent")
    func lateSecret() throws {
        let server = try ScriptedServer(answering: Samples.attached)
        try #require(mkfifo(server.folder + "/a", 0o600) == 0)
        let start = ContinuousClock.now
        let run = try CommandRun.run(
            [
                "attach", "h:/", "--consumer", "c", "--socket", server.path, "--secret", "key=-", "--timeout", "200ms",
            ], prefix: ["/bin/sh", "-c", #"fifo=$1; shift; exec "$@" <>"$fifo""#, "sh", server.folder + "/a"])
        #expect(run.status == 75)
        #expect(run.errors.hasPrefix("holdfast: the secret for option 'key' has not come to its end"), "\(run.errors)")
        #expect(ContinuousClock.now - start >= .milliseconds(200))
        #expect(server.stop().isEmpty)
    }

    @Test("attach reads secrets from descriptors and from standard input")
    func secrets() throws {
        let server = try ScriptedServer(answering: Samples.attached)
        let command = ["attach", "h:/", "--consumer", "c", "--socket", server.path]
        for (name, text) in [("a", "one\ntwo"), ("b", "three\n")] {
            try text.write(toFile: "\(server.folder)/\(name)", atomically: false, encoding: .utf8)
        }
        let prefix = ["/bin/sh", "-c", #"folder=$1; shift; exec "$@" <"$folder/a" 7<"$folder/b""#, "sh", server.folder]
        let run = try CommandRun.run(command + ["--secret", "key=-", "--secret", "file=7"], prefix: prefix)
        #expect(run.status == 0, "\(run.errors)")
        let body = try #require(server.stop().first).body
        let request = try APIJSON.decodeRequest(AttachRequest.self, from: body.utf8)
        #expect(request.secrets == ["key": Secret("one\ntwo"), "file": Secret("three")])
        // What the reading took is no longer the daemon's.
        let left = try #require(request.timeoutSeconds)
        #expect(left > 0 && left < 30)
    }

    @Test(
        "a secret among the arguments is refused and not repeated, and nothing is sent",
        arguments: [
            ["key=hunter2"], ["hunter2"], ["=hunter2"], ["key="], ["key=-1hunter2"], ["key=-7"], ["key=99999999999"],
            ["key=-", "--secret", "key=7"],
        ])
    func secretArguments(arguments: [String]) throws {
        let server = try ScriptedServer(answering: Samples.attached)
        let run = try CommandRun.run(
            ["attach", "h:/", "--consumer", "c", "--socket", server.path, "--secret"] + arguments)
        #expect(run.status == 64)
        #expect(run.errors.hasPrefix("Error: ") && run.errors.contains("'--secret'"), "\(run.errors)")
        #expect(!(run.errors + run.output).contains("hunter2"))
        #expect(server.stop().isEmpty)
    }

    @Test("a secret that cannot be read is 65, and nothing is sent")
    func unreadableSecret() throws {
        let server = try ScriptedServer(answering: Samples.attached)
        let command = ["attach", "h:/", "--consumer", "c", "--socket", server.path, "--secret"]
        func said(_ argument: String, _ shell: String) throws -> String {
            let run = try CommandRun.run(command + [argument], prefix: ["/bin/sh", "-c", shell, "sh"])
            #expect(run.status == 65 && run.output == "")
            return run.errors
        }
        #expect(try said("key=9", #"exec "$@""#).contains("option 'key', on descriptor 9, cannot be read: Bad file"))
        #expect(try said("key=-", #"printf '\377' | "$@""#).contains("is no text in UTF-8"))
        #expect(try said("key=-", #"exec "$@" </dev/zero"#).contains("has more than 8192 bytes"))
        #expect(server.stop().isEmpty)
    }

    @Test("--json prints the answer on one line, before or after the command's name")
    func json() throws {
        let server = try ScriptedServer(answering: Samples.attached)
        let expected = try Samples.json(Samples.attached) + "\n"
        let command = ["attach", "/dev/vdb", "--consumer", "c"]
        #expect(try CommandRun.run(command + ["--json", "--socket", server.path]).output == expected)
        #expect(try CommandRun.run(["--json", "--socket", server.path] + command).output == expected)
        let environment = ["HOLDFAST_SOCKET": server.path]
        #expect(try CommandRun.run(command + ["--json"], environment: environment).output == expected)
    }

    @Test("every command prints the daemon's JSON")
    func jsonEverywhere() throws {
        func check(_ answer: some Encodable, _ arguments: String..., status: Int32 = 0) throws {
            let server = try ScriptedServer(answering: answer)
            let run = try CommandRun.run(arguments + ["--json", "--socket", server.path])
            #expect(run.output == (try Samples.json(answer)) + "\n")
            #expect(run.errors == "")
            #expect(run.status == status)
        }
        try check(Samples.list, "list")
        try check(MountList(mounts: []), "list")
        try check(AttachmentList(attachments: [Samples.second]), "list", "--attachments")
        try check(Samples.detail, "show", "m-1")
        try check(Samples.attached, "show", "a-1")
        try check(Samples.plan, "plan", "h:/", "--consumer", "c")
        try check(Samples.refusedPlan, "plan", "h:/", "--consumer", "c", status: 73)
        try check(DetachResponse(detached: false, mountState: "absent"), "detach", "a-1")
        try check(Samples.status, "status")
        try check(Samples.verified, "verify", status: 1)
        try check(VerifyResponse(mounts: []), "verify")
        try check(Samples.diagnosis, "doctor", status: 1)
        try check(DoctorResponse(findings: []), "doctor")
    }

    @Test("a source that begins with a dot is made absolute, others stay as they are")
    func relativeSource() throws {
        let server = try ScriptedServer(answering: Samples.attached)
        let folder = try #require(realpath(server.folder, nil).map { String(cString: $0) })
        let fromAbove = "../\(URL(fileURLWithPath: folder).lastPathComponent)/s"
        // What was there and has gone may still be attached.
        for source in ["./s", fromAbove, ".", "..", "s", ".hidden", "host:/a/../b", "./gone"] {
            let run = try CommandRun.run(
                ["attach", source, "--consumer", "c", "--socket", server.path], folder: server.folder)
            #expect(run.status == 0)
        }
        try #require(symlink("nowhere", server.folder + "/link") == 0)
        let dangling = try CommandRun.run(
            ["attach", "./link", "--consumer", "c", "--socket", server.path], folder: server.folder)
        #expect(dangling.status == 66)
        let missing = try CommandRun.run(
            ["attach", "./none/s", "--consumer", "c", "--socket", server.path], folder: server.folder)
        #expect(missing.status == 66)
        #expect(missing.errors == "holdfast: cannot resolve './none/s': No such file or directory\n")
        let sources = try server.stop().map { try APIJSON.decodeRequest(AttachRequest.self, from: $0.body.utf8).source }
        let above = URL(fileURLWithPath: folder).deletingLastPathComponent().path
        let gone = folder + "/gone"
        #expect(sources == [folder + "/s", folder + "/s", folder, above, "s", ".hidden", "host:/a/../b", gone])
    }

    @Test("detach resolves a source as attach does")
    func relativeDetach() throws {
        let server = try ScriptedServer(answering: DetachResponse(detached: true, mountState: "absent"))
        _ = try CommandRun.run(
            ["detach", "./s", "--consumer", "c", "--socket", "./s"], folder: server.folder)
        let line = try #require(server.stop().first).line
        #expect(line.contains("source=%2F") && line.contains("%2Fs&consumer=c"))
    }

    @Test("detach names an attachment by its id, or a source with --consumer")
    func detach() throws {
        let server = try ScriptedServer(answering: DetachResponse(detached: true, mountState: "absent"))
        let byID = try CommandRun.run(["detach", "a-1", "--timeout", "2m", "--socket", server.path])
        #expect(byID.output == "detached; the mount is absent\n")
        let bySource = try CommandRun.run(["detach", "a-1", "--consumer", "c", "--at", "/m", "--socket", server.path])
        #expect(bySource.status == 0)
        #expect(
            server.stop().map(\.line) == [
                "DELETE /v1/attachments/a-1?timeout_seconds=120.0 HTTP/1.1",
                "DELETE /v1/attachments?source=a-1&consumer=c&at=%2Fm HTTP/1.1",
            ])
    }

    @Test("detaching what is not attached succeeds and says so")
    func detachNothing() throws {
        let server = try ScriptedServer(answering: DetachResponse(detached: false, mountState: "absent"))
        let run = try CommandRun.run(["detach", "a-1", "--socket", server.path])
        #expect(run.status == 0)
        #expect(run.output == "not attached: nothing was changed\n")
    }

    @Test("detaching a name that is attached nowhere, and is a file here, says how to write the file")
    func detachFileByName() throws {
        let here = FileManager.default.currentDirectoryPath
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: here).first)
        let meant = "  hint: for the file of that name in this folder, write './\(name)'\n"
        for (source, hint) in [(name, meant), ("/", "")] {
            let server = try ScriptedServer(answering: DetachResponse(detached: false, mountState: "absent"))
            let run = try CommandRun.run(["detach", source, "--consumer", "vm-1", "--socket", server.path])
            #expect(run.status == 0)
            #expect(run.output == "not attached: nothing was changed\n\(hint)")
        }
    }

    @Test("an empty list leaves standard output empty")
    func emptyList() throws {
        let server = try ScriptedServer(answering: MountList(mounts: []))
        let run = try CommandRun.run(["list", "--socket", server.path])
        #expect(run.status == 0)
        #expect(run.output == "")
        #expect(run.errors == "nothing is mounted\n")
    }

    @Test("verify tells by its status whether all is well")
    func verify() throws {
        let bad = try ScriptedServer(answering: Samples.verified)
        #expect(try CommandRun.run(["verify", "--socket", bad.path]).status == 1)
        let good = try ScriptedServer(answering: VerifyResponse(mounts: [Samples.verified.mounts[0]]))
        let run = try CommandRun.run(["verify", "--socket", good.path])
        #expect(run.status == 0)
        #expect(run.output == "ok  /m/a\n")
    }

    @Test("show takes a path")
    func showPath() throws {
        let server = try ScriptedServer(answering: Samples.list)
        let run = try CommandRun.run(["show", "/run/holdfast/mounts/data/", "--socket", server.path])
        #expect(run.output.hasPrefix("mountpoint  /run/holdfast/mounts/data\nid          m-1\n"))
        #expect(try CommandRun.run(["show", "/elsewhere", "--socket", server.path]).status == 66)
    }

    @Test("each of the daemon's problems has its exit status", arguments: MountError.Code.allCases)
    func problems(code: MountError.Code) throws {
        let problem = Problem(MountError(code, "it failed"))
        let server = try ScriptedServer(answering: problem, status: problem.status)
        let run = try CommandRun.run(["status", "--socket", server.path])
        #expect(run.status == code.exitStatus.rawValue)
        #expect(run.output == "")
        #expect(run.errors == "holdfast: it failed\n")
    }

    @Test("a problem goes to standard error, as text or as JSON")
    func problemTexts() throws {
        let server = try ScriptedServer(answering: Samples.problem, status: 422)
        let text = try CommandRun.run(["attach", "/dev/vdb", "--consumer", "c", "--socket", server.path])
        #expect(text.status == 73)
        #expect(text.output == "")
        #expect(
            text.errors == """
                holdfast: cannot mount /dev/vdb on /m/a: Invalid argument
                  kernel: ext4: Bad value for 'data'
                hint: see 'man 5 ext4'

                """)
        let json = try CommandRun.run(["attach", "/dev/vdb", "--consumer", "c", "--json", "--socket", server.path])
        #expect(json.status == 73)
        #expect(json.output == "")
        #expect(try APIJSON.decodeResponse(Problem.self, from: json.errors.utf8) == Samples.problem)
    }

    @Test("no daemon is 69 with a hint")
    func noDaemon() throws {
        let run = try CommandRun.run(["status", "--socket", "/nonexistent/s"])
        #expect(run.status == 69)
        #expect(
            run.errors == """
                holdfast: the daemon cannot be reached: nobody listens on /nonexistent/s
                hint: start holdfastd, or name its socket with --socket or HOLDFAST_SOCKET

                """)
        let path = "/" + String(repeating: "x", count: 200)
        #expect(try CommandRun.run(["status", "--socket", path]).status == 65)
    }

    @Test(
        "a wrong command line is 64, and nothing is sent",
        arguments: [
            ["attach"], ["attach", "/s"], ["attach", "/s", "--consumer", "c", "--timeout", "soon"],
            ["attach", "/s", "--consumer", "c", "-o", "ro,"], ["plan", "/s", "--consumer", "c", "-o", "ro,"],
            ["plan", "/s"], ["detach", "/dev/vdb"], ["detach", "a-1", "--at", "/m"],
            ["show", "data"], ["list", "extra"], ["mount", "/s"], ["status", "--yaml"],
        ])
    func usage(arguments: [String]) throws {
        let server = try ScriptedServer(answering: Samples.attached)
        let run = try CommandRun.run(arguments, environment: ["HOLDFAST_SOCKET": server.path])
        #expect(run.status == 64)
        #expect(run.output == "")
        #expect(run.errors.hasPrefix("Error: "))
        #expect(server.stop().isEmpty)
    }

    @Test("colour is for terminals that want it")
    func colour() throws {
        let server = try ScriptedServer(answering: Samples.list)
        let command = ["list", "--socket", server.path]
        let terminal = try CommandRun.run(command, environment: ["TERM": "xterm"], output: .terminal)
        #expect(terminal.output.contains("\u{1B}[32mmounted\u{1B}[0m"))
        for environment in [["TERM": "xterm", "NO_COLOR": "1"], ["TERM": "dumb"], [:]] {
            let run = try CommandRun.run(command, environment: environment, output: .terminal)
            #expect(run.output.contains("mounted"))
            #expect(!run.output.contains("\u{1B}"))
        }
        #expect(!(try CommandRun.run(command, environment: ["TERM": "xterm"])).output.contains("\u{1B}"))
    }

    @Test("a path with control characters reaches a program as it is, and a terminal escaped")
    func hostilePath() throws {
        var answer = Samples.attached
        answer.path = "/m/\u{1B}[2J"
        let server = try ScriptedServer(answering: answer)
        let command = ["attach", "/s", "--consumer", "c", "--socket", server.path]
        #expect(try CommandRun.run(command).output == "/m/\u{1B}[2J\n")
        #expect(try CommandRun.run(command, output: .terminal).output == "/m/\\u{1b}[2J\n")
    }

    @Test("output that cannot be written is 74: said aloud, unless the reader has just seen enough")
    func outputFails() throws {
        let server = try ScriptedServer(answering: Samples.list)
        let command = ["list", "--socket", server.path]
        let full = try CommandRun.run(command, output: .file("/dev/full"))
        #expect(full.status == 74)
        #expect(full.errors == "holdfast: cannot write the output: No space left on device\n")
        let broken = try CommandRun.run(command, output: .brokenPipe)
        #expect(broken.status == 74)
        #expect(broken.errors == "")
    }

    @Test("with standard output closed, nothing of it goes to the daemon")
    func closedOutput() throws {
        let server = try ScriptedServer(answering: Samples.list)
        let run = try CommandRun.run(["list", "--socket", server.path], output: .closed, errors: .closed)
        #expect(run.status == 0)
        #expect(server.stop().map(\.line) == ["GET /v1/mounts HTTP/1.1"])
    }

    @Test("a socket that the caller may not use is 77")
    func notAllowed() throws {
        let server = try ScriptedServer(answering: Samples.status)
        chmod(server.path, 0)
        let run = try CommandRun.run(
            ["status", "--socket", server.path],
            prefix: ["/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search"])
        #expect(run.status == 77)
        #expect(run.errors.hasPrefix("holdfast: cannot connect to \(server.path): permission denied\nhint: "))
    }

    @Test("completions can be had for bash, zsh and fish", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let run = try CommandRun.run(["--generate-completion-script", shell])
        #expect(run.status == 0)
        #expect(run.output.contains("consumer"))
    }
}
