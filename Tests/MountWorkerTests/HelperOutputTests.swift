// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Foundation
import SystemPackage
import Testing

@testable import MountWorker

/// What is told of the words of a helper program.
@Suite struct HelperOutputTests {
    @Test(arguments: [
        ("", []), ("\n\n", []), ("a", ["a"]), ("a\nb\n", ["a", "b"]), ("a\r\nb", ["a", "b"]), (" \t\n a ", [" a "]),
        ("10%\r20%\rdone\n", ["10%", "20%", "done"]), ("a\tb\u{0}c\u{7}d", ["a\tbcd"]),
        ("\u{1B}[31mred\u{1B}[0m\n", ["[31mred[0m"]), ("\u{e9}", ["\u{e9}"]),
    ]) func `output becomes lines without control characters`(output: String, expected: [String]) {
        #expect(HelperRun.lines(Array(output.utf8)) == expected)
    }

    @Test func `of what is cut off the last line is not told, for it may be half of a secret`() {
        let filler = [UInt8](repeating: 0x78, count: HelperRun.outputLimit - 6)
        #expect(HelperRun.lines(filler + Array("\nhalf".utf8)).last == "half")
        #expect(HelperRun.lines(filler + Array("\nhalf of it".utf8)).map(\.utf8.count) == [filler.count])
        #expect(HelperRun.lines(filler + filler) == [])
    }

    @Test func `bytes that are no text are told as such`() {
        #expect(HelperRun.lines([0x61, 0xFF, 0x0A, 0x62]) == ["a\u{FFFD}", "b"])
    }

    /// Copies of a secret and of a public file with these contents.
    private func withFiles(secret: String, open: String, _ body: (HelperFiles) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/holdfast-files-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        for (name, content) in [("secret", secret), ("open", open)] {
            try Data(content.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
            try #require(chmod("\(folder)/\(name)", 0o600) == 0)
        }
        try body(
            HelperFiles(reading: [
                .flag("ro"), .file("config", FilePath("\(folder)/secret"), isSecret: true), .string("a", "b"),
                .file("hosts", FilePath("\(folder)/open"), isSecret: false),
            ]))
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `a line and a word of a secret file are starred, and those of another are not`() throws {
        let secret = "[store]\nuser = bob\npass = hunter2 and 3\r\nurl=https://bob:s3cret@h/\nkey: 'abcd\"efgh'\n"
        try withFiles(secret: secret, open: "host ssh-ed25519 AAAAC3Nz\n") { files in
            for (line, expected) in [
                ("refused: hunter2", "refused: ***"), ("'hunter2','hunter2'", "'***','***'"),
                ("near \"pass = hunter2 and 3\"", "near \"***\""), ("bad s3cret@h/", "bad ***"),
                ("abcd efgh", "*** ***"), ("https://bob:s3cret@h/", "***:***:***"),
                ("is s3cret right?", "is *** right?"), ("bob", "bob"),
                ("host ssh-ed25519 AAAAC3Nz", "host ssh-ed25519 AAAAC3Nz"), ("Permission denied", "Permission denied"),
                ("", ""),
            ] {
                #expect(files.withoutSecrets(line) == expected)
            }
        }
    }

    @Test func `a secret with the letters of its stars ends`() throws {
        try withFiles(secret: "****\n*****\n", open: "") { files in
            #expect(files.withoutSecrets("a ***** b") == "a *** b")
        }
    }
}
