// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HoldfastAPI
import LinuxMount
import MountModel
import MountTestSupport
import Testing

extension RealDaemon {
    /// A type of the configuration, with a program of the test's own: it mounts a tmpfs where its key is right.
    @Suite struct HelperTypes {
        private let name = "hftest\(getpid())"
        private var program: String { "/usr/local/sbin/mount.\(name)" }

        private func run(_ body: (TestHost, _ key: String) throws -> Void) throws {
            try TestHost.run(start: false) { host in
                try """
                #!/bin/sh
                test "$#" = 4 && test "$3" = -o || exit 2
                key=$(cat /root/key)
                case "$key" in *right*) ;; *) echo "key '$key' is wrong" >&2; exit 1 ;; esac
                mount -i -n -t tmpfs -o "$(echo "$4" | sed 's/key=[^,]*,//')" "$1" "$2"

                """.write(toFile: program, atomically: false, encoding: .utf8)
                defer { unlink(program) }
                try #require(chmod(program, 0o755) == 0)
                let key = host.folder + "/key"
                try "right-\(UUID().uuidString)".write(toFile: key, atomically: false, encoding: .utf8)
                try #require(chmod(key, 0o600) == 0)
                try host.startDaemon(
                    settings: """
                        [types.\(name)]
                        kind = "helper"
                        filesystem = "tmpfs"
                        source = "host_folder"
                        options = ["size=size", "key=secret_file", "lazy"]
                        """)
                try body(host, key)
                try host.expectNoHelpers()
            }
        }

        @Test func itsProgramMountsInTheNurseryWithItsOptions() throws {
            try run { host, key in
                let options = ["key=\(key)", "size=1m"]
                let path = try host.attach("vm-1", to: "Server:/a/", type: name, options: options).path
                #expect(try host.attach("vm-2", to: "server:/a", type: name, options: options).path == path)
                let mount = try #require(try host.managedMounts().first)
                #expect(mount.filesystemType == "tmpfs")
                #expect(mount.attributes.isSuperset(of: [.noSetUserID, .noDevices]))
                #expect(mount.source?.description == "server:/a")
                let secret = try String(contentsOfFile: key, encoding: .utf8)
                #expect(try host.places(of: [secret]) == [])
                for consumer in ["vm-1", "vm-2"] { try host.detach(consumer, from: "server:/a") }
            }
        }

        @Test func whatItSaysIsToldWithoutItsKeyAndOtherOptionsAreRefused() throws {
            try run { host, key in
                let wrong = "wrong-\(UUID().uuidString)"
                try wrong.write(toFile: key, atomically: false, encoding: .utf8)
                let problem = try host.attachProblem(
                    "vm-1", to: "s:/a", type: name, options: ["key=\(key)", "size=1m"])
                #expect(problem?.code == "mount_failed")
                #expect(problem?.detail.contains("key '***' is wrong") == true, "\(problem?.detail ?? "")")
                #expect(try host.places(of: [wrong]) == [])
                let inline = "wrong-\(UUID().uuidString)"
                let told = try host.attachProblem(
                    "vm-1", to: "s:/a", type: name, options: ["size=1m"], secrets: ["key": Secret(inline)])
                #expect(told?.detail.contains("key '***' is wrong") == true, "\(told?.detail ?? "")")
                #expect(try host.places(of: [inline]) == [])
                for option in ["suid", "mode=777", "size=x", "uid=0"] {
                    let refused = try host.attachProblem("vm-1", to: "s:/a", type: name, options: [option])
                    #expect(refused?.code == "invalid_argument")
                }
            }
        }

        @Test func aProgramThatOthersCanWriteIsNotStarted() throws {
            try run { host, key in
                let options = ["key=\(key)", "size=1m"]
                for (owner, mode) in [(0, 0o757), (0, 0o775), (65534, 0o755)] as [(uid_t, mode_t)] {
                    try #require(chown(program, owner, 0) == 0 && chmod(program, mode) == 0)
                    let problem = try host.attachProblem("vm-1", to: "s:/a", type: name, options: options)
                    #expect(problem?.code == "mount_failed")
                    let detail = problem?.detail ?? ""
                    #expect(detail.contains("others than root can write it"), "\(detail)")
                    #expect(problem?.hint?.hasPrefix("whoever can write the program is root by it") == true)
                }
                try #require(chown(program, 0, 0) == 0 && chmod(program, 0o755) == 0)
                try host.attach("vm-1", to: "s:/a", type: name, options: options)
                try host.detach("vm-1", from: "s:/a")
            }
        }

        @Test func whatIsOfATypeThatIsConfiguredNoLongerIsDetachedByItsSource() throws {
            try run { host, key in
                try host.attach("vm-1", to: "Server:/a/", type: name, options: ["key=\(key)", "size=1m"])
                try host.stopDaemon()
                try host.startDaemon()
                #expect(try host.detach("vm-1", from: "other:/a").detached == false)
                let detached = try host.detach("vm-1", from: "server:/a")
                #expect(detached.detached && detached.mountState == "absent")
            }
        }

        @Test(arguments: [
            ("[types.lab]\noption = []", "no setting 'option'"), ("[types.lab]\nkind = 5", "'kind' must be a text"),
            ("[types]\nlab = 5", "it is no table"), ("[types.lab]", "has no kind"),
            ("[types.lab]\nkind = \"helper\"\nprogram = \"sh\"", "program is 'sh'"),
            ("[types.nfs]\noptions = [\"suid\"]", "no administrator can allow"),
        ])
        func aConfigurationThatMakesNoSenseIsRefused(text: String, expected: String) throws {
            try TestHost.run(start: false) { host in
                let said = try failedStart(host, text, mode: 0o644)
                #expect(said.contains(expected), "\(said)")
            }
        }

        @Test func aConfigurationThatOthersCanWriteIsRefused() throws {
            try TestHost.run(start: false) { host in
                let said = try failedStart(host, "threads = 4", mode: 0o664)
                #expect(said.contains("lets others in"), "\(said)")
            }
        }

        private func failedStart(_ host: TestHost, _ text: String, mode: mode_t) throws -> String {
            let file = host.folder + "/bad.toml"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            try #require(chmod(file, mode) == 0)
            let failure = #expect(throws: Program.Failure.self) {
                try Program.run(Program.beside("holdfastd"), "run", "--config", file)
            }
            return failure?.description ?? ""
        }
    }
}
