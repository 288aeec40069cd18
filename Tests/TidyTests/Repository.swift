// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The files of this checkout.
enum Repository {
    static func path(_ relative: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(relative).standardizedFileURL.path
    }

    static func swiftFiles(under folder: String) throws -> [SourceText] { try files(under: folder, suffix: ".swift") }

    /// The paths of all files, but for hidden ones, and what a script's interpreter leaves beside it.
    static func allFiles(under folder: String) -> [String] {
        let enumerator = FileManager.default.enumerator(atPath: path(folder))
        var files: [String] = []
        while let name = enumerator?.nextObject() as? String {
            let last = (name as NSString).lastPathComponent
            if last.hasPrefix(".") || last == "__pycache__" {
                enumerator?.skipDescendants()
            } else if enumerator?.fileAttributes?[.type] as? FileAttributeType == .typeRegular {
                files.append(folder + "/" + name)
            }
        }
        return files.sorted()
    }

    static func files(under folder: String, suffix: String) throws -> [SourceText] {
        let enumerator = FileManager.default.enumerator(atPath: path(folder))
        var files: [SourceText] = []
        while let name = enumerator?.nextObject() as? String {
            if name.hasPrefix(".") {
                enumerator?.skipDescendants()
                continue
            }
            guard name.hasSuffix(suffix) else { continue }
            let relative = folder == "." ? name : folder + "/" + name
            files.append(SourceText(path: relative, text: try String(contentsOfFile: path(relative), encoding: .utf8)))
        }
        return files.sorted { $0.path < $1.path }
    }
}

/// One file's text.
struct SourceText {
    let path: String
    let text: String
    let lines: [String]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The modules that it imports.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let place = words.firstIndex(of: "import"), place <= 2, words.count > place + 1 else { return nil }
            return words[0...place].allSatisfy(
                ["public", "package", "internal", "private", "@testable", "@preconcurrency", "import"].contains)
                ? words[place + 1] : nil
        }
    }

    /// Whether a function of this name is documented by a protocol that the file's type conforms to, in this project.
    func isWitness(of declaration: Substring) -> Bool {
        guard let name = declaration.firstMatch(of: /(?:func|var) (\w+)/)?.1 else { return false }
        let protocols = [
            "MountExecutor", "MountChangeSource", "MountService", "MountLedger", "Service", "PacketValue",
            "KernelOperations",
        ]
        return protocols.contains { proto in
            text.contains(": \(proto)") || text.contains(", \(proto)") || path.contains("LinuxExecutor")
                || path.contains("SimulatedKernel+")
        } && !name.isEmpty
    }
}
