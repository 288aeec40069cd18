// SPDX-License-Identifier: Apache-2.0

import Foundation
import HoldfastAPI
import MountTestSupport
import Testing

extension RealDaemon {
    /// Types that need a kernel which has them, where it has not.
    @Suite struct NetworkTypes {
        @Test(arguments: [("nfs", "localhost:/srv", []), ("cifs", "//localhost/srv", ["guest"])])
        func aFilesystemThatTheKernelHasNotIsUnsupported(type: String, source: String, options: [String]) throws {
            let known = try String(contentsOfFile: "/proc/filesystems", encoding: .utf8)
            try #require(!known.contains("\t\(type)\n"), "this kernel has \(type): run the tests against real servers")
            try TestHost.run { host in
                let problem = try #require(try host.attachProblem("vm-1", to: source, options: options))
                #expect(problem.code == "unsupported")
                #expect(problem.detail.contains("unknown filesystem type '\(type)'"), "\(problem.detail)")
                #expect(problem.hint?.contains("modprobe \(type)") == true)
                try host.expectNoHelpers()
                #expect(try host.client.mounts().mounts.isEmpty)
            }
        }
    }
}
