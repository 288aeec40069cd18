// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import LinuxMount
internal import SystemPackage

/// A helper program that did not mount.
public struct HelperFailure: Error, Hashable, Sendable {
    /// Its name: `sshfs`.
    public var program: String
    /// Its exit status, or 128 and the signal that ended it; 0 for one that says that it has mounted and has not.
    public var status: Int32
    /// What it wrote, line by line; the first kilobytes.
    public var output: [String]

    /// Puts the facts together.
    public init(program: String, status: Int32, output: [String]) {
        self.program = program
        self.status = status
        self.output = output
    }
}

/// One run of a helper program, from its start to its end; a daemon that it leaves behind goes on.
enum HelperRun {
    /// Where programs are, whatever the environment says.
    static let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    /// All that a helper is told of its surroundings.
    static let environment = [
        "PATH=\(folders.joined(separator: ":"))", "HOME=\(Nursery.files)", "LC_ALL=C.UTF-8", "USER=root",
        "LOGNAME=root",
    ]
    /// As much as is kept of what it writes.
    static let outputLimit = 8192

    /// Runs it, for as long as it takes.
    ///
    /// - Throws: ENOENT where there is no such program, else what kept it from being started.
    static func run(_ program: String, _ arguments: [String]) throws(SystemCallError) -> (status: Int32, [String]) {
        var ends: [CInt] = [-1, -1]
        try SystemCallError.check(hf_output_pipe(&ends), "pipe2")
        let near = OwnedDescriptor(owning: ends[0])
        let far = OwnedDescriptor(owning: ends[1])
        let child = try start(program, arguments, output: far)
        try far.close()
        var output: [UInt8] = []
        var isOpen = true
        while true {
            let ready = try child.wait(until: nil, watching: isOpen ? near.rawValue : nil)
            if isOpen { isOpen = read(near, into: &output) }
            if ready & HF_READY_SECOND != 0, let status = try child.reap() {
                return (status, lines(output))
            }
        }
    }

    /// Whether there is such a program on this host.
    static func isInstalled(_ program: String) -> Bool {
        folders.contains { access("\($0)/\(program)", X_OK) == 0 }
    }

    private static func start(
        _ program: String, _ arguments: [String], output: borrowing OwnedDescriptor
    ) throws(SystemCallError) -> ChildProcess {
        for folder in folders {
            do throws(SystemCallError) {
                let path = FilePath("\(folder)/\(program)")
                try requireRoots(path)
                return try ChildProcess(path, arguments, environment: environment, output: output)
            } catch {
                if error.errno != .noSuchFileOrDirectory { throw error }
            }
        }
        throw SystemCallError(
            "posix_spawn", .noSuchFileOrDirectory, on: "\(program) (not in \(folders.joined(separator: ", ")))")
    }

    /// It runs as root: whoever can write it is root.
    private static func requireRoots(_ program: FilePath) throws(SystemCallError) {
        var facts = stat()
        guard program.withPlatformString({ stat($0, &facts) }) == 0 else {
            throw SystemCallError("stat", Errno(rawValue: errno), on: program.string)
        }
        guard facts.st_uid == 0, facts.st_mode & 0o022 == 0 else {
            throw SystemCallError(
                "posix_spawn", .permissionDenied,
                on: "\(program) (others than root can write it: chown root \(program); chmod go-w \(program))")
        }
    }

    /// Takes what is there; what is beyond the limit is let go of.
    ///
    /// - Returns: whether more may come.
    private static func read(_ pipe: borrowing OwnedDescriptor, into output: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = hf_read(pipe.rawValue, &buffer, buffer.count)
            if count == -Int(Errno.wouldBlock.rawValue) { return true }
            guard count > 0 else { return false }
            // One byte more, which says that something was cut off.
            output += buffer[..<count].prefix(max(0, outputLimit + 1 - output.count))
        }
    }

    /// Without colours, carriage returns and empty lines, nor a last line that was cut off: what is left of a secret in
    /// it would not be known as one.
    static func lines(_ output: [UInt8]) -> [String] {
        let isEnd = { (byte: UInt8) in byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
        let whole = output.count > outputLimit ? output[..<(output.lastIndex(where: isEnd) ?? 0)] : output[...]
        return whole.split(whereSeparator: isEnd)
            .map { line in String(decoding: line.filter { $0 >= 0x20 || $0 == 9 }, as: UTF8.self) }
            .filter { !$0.allSatisfy(\.isWhitespace) }
    }
}
