// SPDX-License-Identifier: Apache-2.0

import Filesystems
import Glibc
import SystemPackage
import Testing

@Suite struct DocumentationTests {
    /// Everything from here on is generated from the catalog, by this test with HOLDFAST_WRITE_DOCS=1 in its
    /// environment.
    private static let marker =
        "<!-- Generated from the catalog: run DocumentationTests with HOLDFAST_WRITE_DOCS=1 to renew it. -->\n"

    @Test("the page about filesystems says what the catalog says")
    func page() throws {
        let page = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending("docs").appending("filesystems.md")
        let text = try content(of: page)
        let parts = text.split(separator: Self.marker, omittingEmptySubsequences: false)
        try #require(parts.count == 2, "the page has the marker once")
        if getenv("HOLDFAST_WRITE_DOCS") != nil {
            let file = try FileDescriptor.open(page, .writeOnly, options: .truncate)
            try file.closeAfter { _ = try file.writeAll("\(parts[0])\(Self.marker)\n\(catalog.markdown)\n".utf8) }
            return
        }
        let written = parts[1].split(separator: "\n", omittingEmptySubsequences: true)
        let generated = catalog.markdown.split(separator: "\n", omittingEmptySubsequences: true)
        for (line, expected) in zip(written, generated) { #expect(line == expected) }
        #expect(written.count == generated.count)
    }

    private func content(of path: FilePath) throws -> String {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65536)
            while case let count = try piece.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 {
                bytes += piece[..<count]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test("the description names every type and every option")
    func description() {
        for entry in catalog.entries {
            let lines = catalog.description
            #expect(lines.contains("\(entry.type): \(entry.summary)"))
            for rule in entry.options { #expect(lines.contains("  \(rule.name)")) }
        }
    }
}
