// SPDX-License-Identifier: Apache-2.0

import MountModel
import SystemPackage
import Testing

@Suite struct VocabularyTests {
    /// Texts that no name from outside may be, with what the message says about each.
    private static let hostile: [(text: String, says: String)] = [
        ("", "is empty"), (String(repeating: "x", count: 256), "is 256 bytes long; at most 255"),
        (String(repeating: "ü", count: 128), "is 256 bytes long"), ("a\nb", "U+000A"), ("a\0b", "U+0000"),
        ("\u{1B}[2J", "U+001B"), ("a\u{7F}", "U+007F"), ("a\u{9B}b", "U+009B"), ("a\u{202E}b", "U+202E"),
        ("a\u{2028}b", "U+2028"), ("a\u{2066}b", "U+2066"),
    ]

    @Test(arguments: hostile)
    func `a consumer refuses it and says why`(text: String, says: String) {
        expectInvalid("consumer", says) { () throws(MountError) in _ = try Consumer(text) }
    }

    @Test(arguments: hostile + [("..", "would leave the mount"), ("a/b", "has a '/'"), ("/", "has a '/'")])
    func `a volume refuses it and says why`(text: String, says: String) {
        expectInvalid("volume", says) { () throws(MountError) in _ = try Volume(text) }
    }

    @Test(arguments: [
        ("", "is empty"), ("srv", "is not an absolute path"), ("./srv", "is not an absolute path"),
        ("/srv/../etc", "has the component '..'"), ("/srv/./a", "has the component '.'"),
        ("/..", "has the component '..'"),
        ("//srv", "has an empty component"), ("/srv//a", "has an empty component"), ("/srv/", "has an empty component"),
        ("/srv\n", "U+000A"), ("/a\0b", "U+0000"),
        ("/" + String(repeating: "x", count: 256), "a component of 256 bytes"),
        (String(repeating: "/x", count: 2048), "is 4096 bytes long; at most 4095"),
    ])
    func `a mountpoint refuses it and says why`(text: String, says: String) {
        expectInvalid("mountpoint", says) { () throws(MountError) in _ = try Mountpoint(text) }
    }

    @Test func `what is just within the bounds is taken as it is`() throws {
        let longest = String(repeating: "x", count: 255)
        #expect(try Consumer(longest).name == longest)
        #expect(try Consumer("vm/4f2c-…").name == "vm/4f2c-…")
        #expect(try Volume(longest).name == longest)
        #expect(try Volume("...").name == "...")
        #expect(try Volume(".") == .whole)
        #expect(try Mountpoint("/").path == FilePath("/"))
        #expect(try Mountpoint("/srv/.hidden/..a").description == "/srv/.hidden/..a")
        let deepest = "/" + String(repeating: "x/", count: 2046) + "xx"
        #expect(deepest.utf8.count == 4095)
        #expect(try Mountpoint(deepest).path.string == deepest)
    }

    @Test func `a text is shown without what could deceive its reader, and cut`() {
        #expect(InputText.quoted("plain ü") == "plain ü")
        #expect(InputText.quoted("a'b\\c") == "a\\u{27}b\\u{5c}c")
        #expect(InputText.quoted("\u{1B}[2J\u{202E}") == "\\u{1b}[2J\\u{202e}")
        #expect(InputText.quoted(String(repeating: "x", count: 81)) == String(repeating: "x", count: 80) + "…")
    }

    @Test func `keys are told apart by both halves`() throws {
        let (first, second) = (try Consumer("vm-1"), try Consumer("vm-2"))
        let keys: Set = [
            AttachmentKey(volume: .whole, consumer: first), AttachmentKey(volume: .whole, consumer: second),
            AttachmentKey(volume: try Volume("disk"), consumer: first), AttachmentKey(volume: .whole, consumer: first),
        ]
        #expect(keys.count == 3)
        #expect(keys.sorted().map(\.description) == ["vm-1 on .", "vm-1 on disk", "vm-2 on ."])
    }

    @Test func `an error shows what to do and what could not be cleaned up`() {
        var error = MountError.invalidArgument("it is wrong", hint: "make it right")
        error.cleanupFailures = ["rmdir: busy"]
        #expect(error.description == "it is wrong; and while cleaning up: rmdir: busy; hint: make it right")
        #expect(error.code.rawValue == "invalid_argument")
    }

    private func expectInvalid(
        _ what: String, _ says: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws(MountError) -> Void
    ) {
        do throws(MountError) {
            try body()
            Issue.record("it was taken", sourceLocation: sourceLocation)
        } catch {
            #expect(error.code == .invalidArgument, sourceLocation: sourceLocation)
            #expect(error.message.contains(what), sourceLocation: sourceLocation)
            #expect(error.message.contains(says), "\(error.message)", sourceLocation: sourceLocation)
        }
    }
}

@Suite struct ExactTextTests {
    /// The two spellings of é: one code point, or an e with a combining accent. Swift's strings are equal; files are
    /// not.
    private let composed = "caf\u{E9}"
    private let decomposed = "cafe\u{301}"

    @Test func namesAreEqualOnlyByTheirBytes() throws {
        #expect(composed == decomposed)
        #expect(try Consumer(composed) != Consumer(decomposed))
        #expect(try Set([Volume(composed), Volume(decomposed)]).count == 2)
        #expect(FilesystemType(rawValue: composed) != FilesystemType(rawValue: decomposed))
        #expect(MountOption("subvol", composed) != MountOption("subvol", decomposed))
        let type = FilesystemType(rawValue: "bind")
        #expect(
            MountSource(type: type, source: "/" + composed, options: [])
                != MountSource(type: type, source: "/" + decomposed, options: []))
        #expect(try Mountpoint("/" + composed) != Mountpoint("/" + decomposed))
    }

    @Test func namesAreSortedByTheirBytes() throws {
        #expect(try Consumer("Z") < Consumer("a"))
        #expect(try Consumer(decomposed) < Consumer(composed))
    }
}
