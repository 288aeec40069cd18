// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What no compiler checks: the direction of the arrows between the folders, and words that must not be committed.
@Suite struct TidyTests {
    /// The modules, each of which may use those before it and none behind.
    private static let order = [
        "CLinux", "LinuxMount", "MountModel", "Diagnosis", "Filesystems", "MountWorker", "Ledger", "MountManager",
        "HoldfastAPI", "HoldfastServer", "holdfast-worker", "holdfastd", "holdfast-cli", "MountTestSupport",
        "MountExplorer", "mount-explorer",
        "holdfast-torture",
    ]

    @Test func importsPointOneWay() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Repository.path("Sources")).sorted()
        #expect(Set(folders) == Set(Self.order), "a module without a place in the order")
        for file in try Repository.swiftFiles(under: "Sources") {
            let module = String(file.path.split(separator: "/")[1])
            let place = try #require(Self.order.firstIndex(of: module))
            for name in file.imports {
                guard let imported = Self.order.firstIndex(of: name) else { continue }
                #expect(imported < place, "\(file.path) imports \(name)")
            }
        }
    }

    @Test func thePureModulesImportNoFoundation() throws {
        for module in [
            "MountModel", "Diagnosis", "Filesystems", "MountExplorer", "LinuxMount", "MountWorker", "holdfast-worker",
        ] {
            for file in try Repository.swiftFiles(under: "Sources/" + module) {
                #expect(!file.imports.contains { $0.hasPrefix("Foundation") }, "\(file.path)")
            }
        }
        for module in ["HoldfastAPI", "holdfast-cli"] {
            for file in try Repository.swiftFiles(under: "Sources/" + module) {
                #expect(!file.imports.contains("Foundation"), "\(file.path): it would double the command's start-up")
            }
        }
    }

    @Test func everyFileSaysItsLicense() throws {
        for file in try Repository.swiftFiles(under: "Sources") + Repository.swiftFiles(under: "Tests") {
            #expect(file.lines.first == "// SPDX-License-Identifier: Apache-2.0", "\(file.path)")
        }
    }

    @Test func noLineIsTooLong() throws {
        let files = ["Sources", "Tests", "scripts"].flatMap { folder in Repository.allFiles(under: folder) }
        #expect(files.count > 400, "what is not read is not checked")
        for path in files + ["Package.swift"] {
            let text = try String(contentsOfFile: Repository.path(path), encoding: .utf8)
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                #expect(line.count <= 120, "\(path):\(number + 1): \(line.count) columns")
            }
        }
    }

    @Test func noWordOfHaste() throws {
        let words = ["try" + "!", "as" + "!", "fatal" + "Error(", "TO" + "DO", "FIX" + "ME", "remove" + "Item("]
        for file in try Repository.swiftFiles(under: "Sources") {
            for (number, line) in file.lines.enumerated() {
                for word in words { #expect(!line.contains(word), "\(file.path):\(number + 1): \(word)") }
            }
        }
    }

    @Test func whatIsUnsafeSaysWhyItIsNot() throws {
        let words = ["@unchecked" + " Sendable", "nonisolated" + "(unsafe)"]
        for file in try Repository.swiftFiles(under: "Sources") + Repository.swiftFiles(under: "Tests") {
            for (number, line) in file.lines.enumerated() where words.contains(where: line.contains) {
                let nearby = file.lines[max(0, number - 3)...min(number + 1, file.lines.count - 1)].joined()
                #expect(nearby.contains("SAFETY:"), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test func whatIsPublicIsDocumented() throws {
        // What a protocol of the standard library asks for is documented there.
        let witnesses = ["description", "func <", "func ==", "hash(into", "encode(to", "init(from", "memberNames"]
        for file in try Repository.swiftFiles(under: "Sources") {
            for (number, line) in file.lines.enumerated() {
                let text = line.drop { $0 == " " }
                guard text.hasPrefix("public ") || text.hasPrefix("package "), !text.contains(" import "),
                    !text.contains("extension "), !witnesses.contains(where: text.contains)
                else { continue }
                var above = number - 1
                while above >= 0, file.lines[above].contains("@") || file.lines[above].contains("#if") { above -= 1 }
                let isDocumented = above >= 0 && file.lines[above].drop { $0 == " " }.hasPrefix("///")
                #expect(isDocumented || file.isWitness(of: text), "\(file.path):\(number + 1): \(text)")
            }
        }
    }

    @Test func whatTheDocumentsLinkToExists() throws {
        for document in try Repository.files(under: ".", suffix: ".md") {
            let folder = (document.path as NSString).deletingLastPathComponent
            for match in document.text.matches(of: /\]\(([^)#: ]+)\)/) {
                let target = Repository.path((folder as NSString).appendingPathComponent(String(match.1)))
                #expect(FileManager.default.fileExists(atPath: target), "\(document.path) links to \(match.1)")
            }
        }
    }
}
