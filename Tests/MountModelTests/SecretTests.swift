// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@Suite struct SecretTests {
    @Test func `whatever prints it shows nothing of it`() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(["key": secret], to: &dumped)
        for shown in ["\(secret)", String(reflecting: secret), "\([secret])", "\(Optional(secret) as Any)", dumped] {
            #expect(shown.contains("<secret>") && !shown.contains("hunter2") && !shown.contains("104"), "\(shown)")
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test func `it ends with a newline, as a file does, and is compared by its bytes`() {
        #expect(Secret("a\nb").content == Array("a\nb\n".utf8))
        #expect(Secret("a\nb\n") == Secret("a\nb"))
        #expect(Secret("a\n\n") != Secret("a"))
        #expect(Secret("é") != Secret("e\u{301}"))
        #expect(Secret("").content == [])
    }

    @Test func `two sources may differ in their credentials only`() {
        func source(_ name: String, _ digest: String?) -> MountSource {
            MountSource(type: FilesystemType(rawValue: "sshfs"), source: name, options: [], credentialsDigest: digest)
        }
        #expect(source("h:/a", "1").differsInCredentialsOnly(from: source("h:/a", "2")))
        #expect(source("h:/a", "1").differsInCredentialsOnly(from: source("h:/a", nil)))
        #expect(!source("h:/a", "1").differsInCredentialsOnly(from: source("h:/a", "1")))
        #expect(!source("h:/a", "1").differsInCredentialsOnly(from: source("h:/b", "2")))
    }
}
