// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel
import Testing

@testable import holdfast

@Suite("Command line: texts")
struct CommandTextTests {
    static let coloured = TextStyle(isTerminal: true, isColoured: true)

    @Test("the list is aligned, without tabs and without space at a line's end")
    func list() {
        var list = Samples.list
        var other = MountDetail(mount: Samples.mount, attachments: [])
        other.mount.mountpoint = "/m"
        other.mount.state = "lingering"
        list.mounts.append(other)
        #expect(
            MountText.table(list, style: .plain) == """
                MOUNTPOINT                 TYPE  SOURCE    STATE      CONSUMERS
                /run/holdfast/mounts/data  ext4  /dev/vdb  mounted    vm-1, vm-2 (disk.img)
                /m                         ext4  /dev/vdb  lingering  -

                """)
        #expect(MountText.table(MountList(mounts: []), style: .plain) == "")
    }

    @Test("colour changes no width")
    func colour() {
        let plain = MountText.table(Samples.list, style: .plain)
        let coloured = MountText.table(Samples.list, style: Self.coloured)
        #expect(coloured.contains("\u{1B}[32mmounted\u{1B}[0m"))
        let stripped = ["\u{1B}[32m", "\u{1B}[1m", "\u{1B}[0m"].reduce(coloured) { $0.replacing($1, with: "") }
        #expect(stripped == plain)
    }

    @Test("many consumers are counted, not listed")
    func manyConsumers() {
        var detail = Samples.detail
        detail.attachments = (1...7).map { number in
            var attachment = Samples.attachment
            attachment.consumer = "vm-\(number)"
            return attachment
        }
        #expect(
            MountText.table(MountList(mounts: [detail]), style: .plain).contains("vm-1, vm-2, vm-3, +4 more\n"))
    }

    @Test("one mount with all facts, and why it is as it is")
    func details() {
        var detail = Samples.detail
        detail.mount.state = "lost"
        detail.mount.options = []
        detail.mount.kernelMountID = nil
        detail.mount.problem = Samples.problem
        #expect(
            MountText.details(detail, style: .plain) == """
                mountpoint  /run/holdfast/mounts/data
                id          m-1
                type        ext4
                source      /dev/vdb
                options     -
                state       lost
                kernel id   -
                problem     cannot mount /dev/vdb on /m/a: Invalid argument
                kernel      ext4: Bad value for 'data'
                hint        see 'man 5 ext4'

                ATTACHMENT  CONSUMER  VOLUME    LEASE       UID   PATH
                a-1         vm-1      .         explicit    1000  /run/holdfast/mounts/data
                a-2         vm-2      disk.img  persistent  0     /run/holdfast/mounts/data/disk.img

                """)
    }

    @Test("one attachment, then its mount")
    func attachment() {
        #expect(
            AttachmentText.details(Samples.attached, style: .plain) == """
                attachment  a-1
                consumer    vm-1
                volume      .
                lease       explicit
                owner       uid 1000
                path        /run/holdfast/mounts/data

                mountpoint  /run/holdfast/mounts/data
                id          m-1
                type        ext4
                source      /dev/vdb
                options     ro,data=ordered
                state       mounted
                kernel id   4294967400

                """)
    }

    @Test("a plan says what and why first, and then with what")
    func plan() {
        #expect(
            PlanText.render(Samples.plan, style: .plain) == """
                verdict     use_existing
                why         it is mounted there, with 2 attachments
                mountpoint  /m
                path        /m/v
                type        nfs (inferred)
                source      host:/a (given as Host:/a/)
                mounted by  mount.nfs, or the kernel where that is not installed
                server      host
                superblock  vers=4.2
                mount       nosuid,nodev,ro
                added       nosuid,nodev
                ignored     rw

                """)
        let refused = PlanText.render(Samples.refusedPlan, style: .plain)
        #expect(
            refused.hasPrefix(
                """
                verdict     refused
                why         cannot mount /dev/vdb on /m/a: Invalid argument
                hint        see 'man 5 ext4'

                """))
        #expect(
            refused.hasSuffix(
                """
                source      Host:/a/
                mounted by  the kernel; an image file through a loop device
                superblock  vers=4.2
                mount       nosuid,nodev,ro
                added       nosuid,nodev
                ignored     rw
                there now   mounted: /dev/vdb

                ATTACHMENT  CONSUMER  VOLUME    LEASE       UID   PATH
                a-1         vm-1      .         explicit    1000  /run/holdfast/mounts/data
                a-2         vm-2      disk.img  persistent  0     /run/holdfast/mounts/data/disk.img

                """))
    }

    @Test(
        "a detach is one line",
        arguments: [
            (true, "absent", "detached; the mount is absent\n"),
            (true, "mounted", "detached; the mount is mounted, others use it\n"),
            (true, "hov\u{1B}ering", "detached; the mount is hov\\u{1b}ering\n"),
            (false, "absent", "not attached: nothing was changed\n"),
        ])
    func detach(detached: Bool, state: String, text: String) {
        #expect(DetachText.render(DetachResponse(detached: detached, mountState: state), style: .plain) == text)
    }

    @Test("a detach whose unmount failed says why")
    func lingering() {
        let answer = DetachResponse(
            detached: true, mountState: "lingering",
            problem: Problem(MountError(.busy, "the mount is busy", hint: "holdfast holders /m")))
        #expect(
            DetachText.render(answer, style: .plain) == """
                detached; the mount is lingering, the unmount is tried again
                  the mount is busy
                  hint: holdfast holders /m

                """)
    }

    @Test("a verification tells what was expected and found where they differ")
    func verify() {
        #expect(
            VerifyText.render(Samples.verified, style: .plain) == """
                ok        /m/a
                replaced  /m/b
                          expected: mount 5
                          found:    mount 9

                """)
        #expect(VerifyText.render(Samples.verified, style: Self.coloured).contains("\u{1B}[31mreplaced\u{1B}[0m"))
    }

    @Test("a diagnosis says what, why and what to do, and that all is well only where nothing is wrong")
    func doctor() {
        #expect(
            DoctorText.render(Samples.diagnosis, style: .plain) == """
                error: the disk is full [state_disk_full]
                  why: nothing can be recorded
                  do:  free space

                notice: an old ledger [ledger_moved_aside]
                  why: kept
                  do:  remove it

                """)
        #expect(DoctorText.render(DoctorResponse(findings: []), style: .plain) == "all is well\n")
        #expect(DoctorText.render(Samples.diagnosis, style: Self.coloured).hasPrefix("\u{1B}[31merror\u{1B}[0m: "))
    }

    @Test("the status is a line a fact")
    func status() {
        #expect(
            StatusText.render(Samples.status, style: .plain) == """
                daemon       holdfastd 0.1.0, pid 42, up 1 d 2 h
                mount root   /run/holdfast/mounts
                mounts       1 lingering, 2 mounted
                attachments  5
                limits       attachments 95 of 100
                             mounts 3 of 100
                workers      3 running, 1 stuck, 2 killed
                boot         b-1
                kernel       mount_events no, statmount yes

                """)
    }

    @Test(
        "an uptime has two units at most",
        arguments: [
            (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (86_400, "1 d"), (-1, "?"), (.nan, "?"),
            (.infinity, "?"),
        ])
    func uptime(seconds: Double, text: String) {
        #expect(StatusText.uptime(seconds) == text)
    }

    @Test("a problem shows the kernel's words before the hint")
    func problem() {
        var problem = Samples.problem
        problem.cleanupFailures = ["rmdir /m/a: Device or resource busy"]
        #expect(
            ProblemText.render(problem, style: .plain) == """
                holdfast: cannot mount /dev/vdb on /m/a: Invalid argument
                  kernel: ext4: Bad value for 'data'
                  while cleaning up: rmdir /m/a: Device or resource busy
                hint: see 'man 5 ext4'

                """)
    }

    @Test("nothing that the daemon sends steers a terminal or breaks a line")
    func escaping() {
        let nasty = "a\u{1B}]0;x\u{7}\r\n\t\u{9B}31m\u{202E}\u{2028}\u{7F}é漢b"
        let shown = #"a\u{1b}]0;x\u{7}\u{d}\u{a}\u{9}\u{9b}31m\u{202e}\u{2028}\u{7f}é漢b"#
        #expect(TextStyle.escaped(nasty) == shown)

        let problem = Problem(
            MountError(.busy, nasty, context: .init(kernelMessages: [nasty]), hint: nasty))
        var mount = Samples.mount
        (mount.id, mount.mountpoint, mount.type, mount.source) = (nasty, nasty, nasty, nasty)
        (mount.options, mount.state, mount.problem) = ([nasty], nasty, problem)
        let attachment = AttachmentSummary(
            id: nasty, mountID: nasty, consumer: nasty, volume: nasty, ownerUID: 0, lease: nasty, path: nasty)
        let list = MountList(mounts: [MountDetail(mount: mount, attachments: [attachment])])
        let answer = AttachResponse(attachment: attachment, mount: mount, created: true)
        let status = StatusResponse(
            version: nasty, pid: 1, uptimeSeconds: 1, bootID: nasty, mountRoot: nasty, mounts: [nasty: 1],
            attachments: 1, limits: [nasty: LimitUse(used: 1, limit: 2)], kernelFeatures: [nasty: true])
        let verified = VerifyResponse(mounts: [
            .init(id: nasty, mountpoint: nasty, result: nasty, expected: nasty, found: nasty)
        ])
        for text in [
            MountText.table(list, style: .plain), MountText.details(list.mounts[0], style: .plain),
            AttachmentText.details(answer, style: .plain), AttachmentText.path(answer, isTerminal: true),
            StatusText.render(status, style: .plain), VerifyText.render(verified, style: .plain),
            ProblemText.render(problem, style: .plain),
            DetachText.render(.init(detached: true, mountState: nasty, problem: problem), style: .plain),
            PlanText.render(nastyPlan(nasty, mount: list.mounts[0], problem), style: .plain),
        ] {
            let unsafe = text.unicodeScalars.filter { $0 != "\n" && TextStyle.escaped(String($0)) != String($0) }
            #expect(unsafe.isEmpty, "\(text)")
        }
        #expect(AttachmentText.path(answer, isTerminal: false) == nasty + "\n")
    }

    private func nastyPlan(_ nasty: String, mount: MountDetail, _ problem: Problem) -> PlanResponse {
        PlanResponse(
            verdict: nasty, reason: nasty, type: nasty, typeOrigin: nasty, sourceGiven: nasty + "x", source: nasty,
            options: .init(superblock: [nasty], mount: [nasty], added: [nasty], ignored: [nasty]),
            build: .init(method: nasty, program: nasty), mountpoint: nasty, path: nasty, server: nasty, mount: mount,
            problem: problem)
    }

    @Test(
        "a time is written with a unit or in seconds",
        arguments: [
            ("30s", 30), ("500ms", 0.5), ("1ms", 0.001), ("2m", 120), ("24h", 86_400), ("7", 7), ("0.25", 0.25),
            ("1.5m", 90), ("29ms", 0.029),
        ])
    func times(text: String, seconds: Double) throws {
        #expect(try #require(TimeoutArgument(argument: text)).seconds == seconds)
    }

    @Test(
        "what is not a time, or out of the daemon's bounds, is refused",
        arguments: [
            "", "s", "ms", "-1s", "+1s", "1e3", "0x10", "nan", "inf", "1 s", "1.s", ".5s", "1.2.3s", "1d", "1S", "0",
            "0.0001ms", "25h", "86401", "٣s", "1_000",
        ])
    func badTimes(text: String) {
        #expect(TimeoutArgument(argument: text) == nil)
    }

    @Test("colour obeys NO_COLOR and TERM")
    func colourRules() {
        #expect(TextStyle.allowsColour(noColor: nil, term: "xterm"))
        #expect(!TextStyle.allowsColour(noColor: "1", term: "xterm"))
        #expect(!TextStyle.allowsColour(noColor: nil, term: "dumb"))
        #expect(!TextStyle.allowsColour(noColor: nil, term: nil))
    }

    @Test("the spinner waits 300 ms, then turns ten times a second")
    func spinner() throws {
        #expect(Spinner.frame(at: .milliseconds(299)) == nil)
        let first = try #require(Spinner.frame(at: .milliseconds(300)))
        #expect(first.hasSuffix("waiting for the daemon, 0 s"))
        #expect(Spinner.frame(at: .milliseconds(400)) != first)
        #expect(Spinner.frame(at: .seconds(1_000_000)) != nil)
    }

    @Test("show finds a mount by its mountpoint, or by an attachment's path")
    func find() throws {
        for path in ["/run/holdfast/mounts/data", "/run/holdfast/mounts/data//", "/run/holdfast/mounts/data/disk.img"] {
            #expect(try Show.find(path, in: Samples.list) == Samples.detail)
        }
        let problem = #expect(throws: Problem.self) { try Show.find("/", in: Samples.list) }
        #expect(problem?.exitStatus == .notFound)
    }
}
