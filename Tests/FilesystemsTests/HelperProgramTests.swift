// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Testing

@Suite struct HelperProgramTests {
    private let options: [(name: String, value: String?)] = [("ro", nil), ("port", "22"), ("key", "/a b=c")]

    private func program(_ style: HelperProgram.Style, source: String = "host:/a b") -> HelperProgram {
        HelperProgram(name: "x", words: ["-t", "y"], style: style, source: source)
    }

    @Test(
        "each style has its own words",
        arguments: [
            (
                HelperProgram.Style.separateOptions,
                ["-t", "y", "-o", "ro", "-o", "port=22", "-o", "key=/a b=c", "--", "host:/a b", "/mnt"]
            ),
            (.longOptions, ["-t", "y", "--ro", "--port=22", "--key=/a b=c", "--", "host:/a b", "/mnt"]),
            (.mountHelper, ["-t", "y", "host:/a b", "/mnt", "-o", "ro,port=22,key=/a b=c"]),
        ])
    func styles(style: HelperProgram.Style, expected: [String]) {
        #expect(program(style).arguments(options: options, place: "/mnt") == expected)
    }

    @Test(
        "without options there is no -o",
        arguments: [
            (HelperProgram.Style.separateOptions, ["-t", "y", "--", "host:/a b", "/mnt"]),
            (.longOptions, ["-t", "y", "--", "host:/a b", "/mnt"]), (.mountHelper, ["-t", "y", "host:/a b", "/mnt"]),
        ])
    func bare(style: HelperProgram.Style, expected: [String]) {
        #expect(program(style).arguments(options: [], place: "/mnt") == expected)
    }

    @Test("what could be read as something else is refused", arguments: HelperProgram.Style.allCases)
    func refused(style: HelperProgram.Style) {
        for (name, value) in [
            ("ro,suid", nil), ("port", "22,suid"), ("port", ","), ("-o", nil), ("-o", "x"), ("--rc", nil), ("-", nil),
        ] as [(String, String?)] {
            #expect(program(style).arguments(options: options + [(name, value)], place: "/mnt") == nil, "\(name)")
        }
        for source in ["", "-oProxyCommand=x", "--", "-"] {
            #expect(program(style, source: source).arguments(options: options, place: "/mnt") == nil, "\(source)")
        }
    }
}
