// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
internal import SystemPackage

/// The files that a helper program is given copies of: read from the host, and written into the nursery.
struct HelperFiles {
    private struct File {
        let option: String
        let content: [UInt8]
        let isSecret: Bool
    }

    private var files: [File] = []

    /// Reads them. Blocks as long as the filesystems that they are on.
    ///
    /// - Throws: EPERM for a secret that others may read, else what opening and reading answer.
    init(reading parameters: [MountRecipe.Parameter]) throws(SystemCallError) {
        for parameter in parameters {
            switch parameter {
            case .file(let option, let path, let isSecret):
                let content = try HostFile.read(path, isSecret: isSecret)
                files.append(File(option: option, content: content, isSecret: isSecret))
            case .content(let option, let content, let isSecret):
                files.append(File(option: option, content: content, isSecret: isSecret))
            case .flag, .string, .paths: continue
            }
        }
    }

    /// What is in the file of an option.
    func content(of option: String) -> [UInt8] { files.first { $0.option == option }?.content ?? [] }

    /// Where a program finds the file of an option.
    private static func place(of option: String) -> FilePath { HelperProgram.files.appending(option) }

    /// Writes them where the program finds them, for root alone.
    func write() throws(SystemCallError) {
        for file in files { try HostFile.write(file.content, to: Self.place(of: file.option)) }
    }

    /// A line of what a program wrote, with `***` for each line of a secret file, and for each word of one.
    func withoutSecrets(_ line: String) -> String {
        var line = line
        for secret in secrets where line.contains(secret) { line.replace(secret, with: "***") }
        return line
    }

    /// Longest first, so that a word does not hide the rest of its line; what is shorter than four bytes tells nobody
    /// anything and is everywhere.
    private var secrets: [String] {
        var words: Set<String> = []
        for file in files where file.isSecret {
            for line in String(decoding: file.content, as: UTF8.self).split(whereSeparator: \.isNewline) {
                words.insert(String(line))
                // Of `name = value`, as rclone writes it, the name tells nothing.
                let value = line.firstRange(of: " = ").map { line[$0.upperBound...] } ?? line
                words.insert(String(value))
                for word in value.split(whereSeparator: { " \t=:\"'".contains($0) }) {
                    words.insert(String(word))
                    // The password of a URL.
                    words.formUnion(word.split { "@/".contains($0) }.map(String.init))
                }
            }
        }
        // As programs quote them.
        words.formUnion(words.map { $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") })
        return words.filter { $0.utf8.count >= 4 }.sorted { $0.utf8.count > $1.utf8.count }
    }
}
