// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountModel
import MountTestSupport
import SystemPackage
import Testing

extension RealDaemon {
    /// What an attach would do, from a real daemon and by the real command.
    @Suite struct Plans {
        private func plan(
            _ host: TestHost, _ source: String, type: String? = nil, options: [String] = [],
            secrets: [String: Secret]? = nil, at name: String? = nil
        ) throws -> PlanResponse {
            try host.client.plan(
                AttachRequest(
                    source: source, consumer: "vm-1", type: type, options: options, secrets: secrets,
                    at: name.map { host.mountRoot + "/" + $0 }))
        }

        /// Runs `holdfast plan` to its end.
        private func command(_ host: TestHost, _ words: [String]) throws -> (status: Int32, output: String) {
            try host.holdfast(["plan"] + words + ["--consumer", "vm-9"])
        }

        @Test(arguments: [
            ("host:/a/", "nfs", "host:/a", "host"), ("Host.EXAMPLE.com:/a", "nfs", "host.example.com:/a", nil),
            ("[2001:DB8:0:0:0:0:0:1]:/a/", "nfs", "[2001:db8::1]:/a", "[2001:db8::1]"),
            ("[2001:0db8::0001]:/", "nfs", "[2001:db8::1]:/", nil),
            ("//Server/Share/", "cifs", "//server/share", "server"), ("//server/SHARE", "cifs", "//server/share", nil),
            ("//[::FFFF:192.0.2.1]/s", "cifs", "//[::ffff:192.0.2.1]/s", nil),
            ("Bob@Host:/Srv/", "sshfs", "Bob@host:/Srv", "host"),
            ("https://Server:443/files/", "davfs", "https://server/files", "server"),
            ("http://server:80/Files", "davfs", "http://server/Files", nil),
        ])
        func theCanonicalFormIsShown(given: String, type: String, source: String, server: String?) throws {
            try TestHost.run { host in
                let options = type == "cifs" ? ["guest"] : []
                let plan = try self.plan(host, given, options: options)
                #expect(plan.verdict == "mount" && plan.type == type && plan.typeOrigin == "inferred")
                #expect(plan.source == source && plan.sourceGiven == given)
                if let server { #expect(plan.server == server) }
                // Another spelling has the same mountpoint.
                let other = try self.plan(host, source, type: type, options: options)
                #expect(other.mountpoint == plan.mountpoint && other.typeOrigin == "given")
            }
        }

        @Test func nothingIsChangedAndTheAttachDoesWhatWasSaid() throws {
            try TestHost.run { host in
                let image = try host.image("disk.img")
                let first = try self.plan(host, image, options: ["noatime", "rw"])
                #expect(first.verdict == "mount" && first.type == "ext4" && first.typeOrigin == "inferred")
                #expect(first.build == PlanResponse.Build(method: "device_or_image"))
                #expect(first.options.mount == ["nosuid", "nodev", "noatime"])
                #expect(first.options.added.contains("nodev") && first.options.ignored == ["rw"])
                #expect(try host.client.mounts().mounts.isEmpty && host.loopDevices() == [])
                #expect(try FileManager.default.contentsOfDirectory(atPath: host.mountRoot) == [])
                let path = try host.attach("vm-1", to: image, options: ["noatime"]).path
                #expect(path == first.path)
                let again = try self.plan(host, image, options: ["noatime"])
                #expect(again.verdict == "already_attached" && again.mount?.attachments.count == 1)
                let (status, text) = try command(host, [image, "-o", "noatime"])
                #expect(status == 0)
                #expect(text.hasPrefix("verdict     use_existing\nwhy         it is mounted there, with one attach"))
                #expect(text.contains("there now   mounted: \(image)") && text.contains("vm-1"))
                let conflict = try command(host, [image])
                #expect(conflict.status == 75 && conflict.output.hasPrefix("verdict     conflict\n"))
                #expect(conflict.output.contains("for vm-1"))
                let json = try command(host, [image, "--json"])
                let decoded = try APIJSON.decodeResponse(PlanResponse.self, from: json.output.utf8)
                #expect(json.status == 75)
                #expect(decoded.problem == (try host.attachProblem("vm-9", to: image)))
                try host.detach("vm-1", from: image)
            }
        }

        @Test func whatOthersMountedThereIsForeign() throws {
            try TestHost.run { host in
                let place = host.mountRoot + "/theirs"
                try #require(mkdir(place, 0o755) == 0)
                try host.run("mount", ["-t", "tmpfs", "theirs", place])
                let plan = try self.plan(host, "data", type: "tmpfs", at: "theirs")
                #expect(plan.verdict == "refused" && plan.problem?.code == "foreign")
                #expect(try host.attachProblem("vm-1", to: "data", type: "tmpfs", at: "theirs")?.code == "foreign")
                try #require(umount2(place, 0) == 0)
                rmdir(place)
            }
        }

        @Test func whatIsInvalidIsTheSameProblemAndASecretIsNotShown() throws {
            try TestHost.run { host in
                for (source, options) in [("data", ["sise=1m"]), ("a/b", [])] {
                    let planned = #expect(throws: Problem.self) {
                        try self.plan(host, source, type: "tmpfs", options: options)
                    }
                    #expect(planned == (try host.attachProblem("vm-1", to: source, type: "tmpfs", options: options)))
                }
                #expect(try command(host, ["data", "--type", "tmpfs", "-o", "sise=1m"]).status == 65)
                let plan = try self.plan(host, "host:/a", type: "sshfs", secrets: ["IdentityFile": Secret("hunter2")])
                #expect(plan.options.superblock.contains("IdentityFile=***"))
                #expect(!String(decoding: try APIJSON.encode(plan), as: UTF8.self).contains("hunter2"))
            }
        }
    }
}
