// SPDX-License-Identifier: Apache-2.0

import MountModel
import Testing

@Suite struct NearestNameTests {
    private static let names = ["noatime", "ro", "size", "mode", "nr_inodes", "subvol"]

    @Test(arguments: [
        ("noatme", "noatime"), ("noattime", "noatime"), ("noatine", "noatime"), ("noatiem", "noatime"),
        ("SIZE", "size"),
        ("or", "ro"), ("r", "ro"), ("subvolid", "subvol"), ("siz\u{e9}", "size"), ("ro", "ro"),
    ])
    func `A byte missing, too many, wrong or swapped is seen through, and so is the case`(
        mistyped: String, meant: String
    ) {
        #expect(NearestName.find(mistyped, among: Self.names) == meant)
    }

    @Test(arguments: ["", "qqqq", "compress", "\u{1b}[31m"])
    func `What is like none of the names is none of them`(name: String) {
        #expect(NearestName.find(name, among: Self.names) == nil)
        #expect(NearestName.find(name, among: []) == nil)
    }

    @Test func `Of several that are as near, it is the first`() {
        #expect(NearestName.find("aab", among: ["aaa", "aac", "bbb"]) == "aaa")
        #expect(NearestName.find("aab", among: ["aac", "aaa", "bbb"]) == "aac")
    }

    @Test func `A long name is no work: what counts is its beginning`() {
        let long = String(repeating: "a", count: 1_000_000)
        #expect(NearestName.find(long, among: [String(repeating: "b", count: 64)]) == nil)
        #expect(NearestName.find(long, among: [String(repeating: "a", count: 64)]) != nil)
    }
}
