// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxMount
internal import MountWorker
internal import SystemPackage

/// `holdfast-worker MOUNT-ROOT PARKING LOCKS`: started by holdfastd, which talks to it over descriptor 3.
@main
enum Main {
    static func main() {
        do throws(SystemCallError) {
            try ProcessHardening.setCoreDumpsOff()
            try work(CommandLine.arguments)
        } catch {
            complain("\(error)")
            exit(EX_OSERR)
        }
    }

    private static func work(_ words: [String]) throws(SystemCallError) {
        guard words.count == 4 else {
            complain("this program is started by holdfastd only")
            exit(EX_USAGE)
        }
        let connection = try PacketConnection(inherited: 3)
        let operations = MountOperations(
            root: try ManagedRoot.open(at: FilePath(words[1])), parking: try ParkingLot.open(at: FilePath(words[2])))
        let loop = WorkerLoop(
            connection: connection, operations: operations, locks: try OperationLocks(at: FilePath(words[3])))
        try loop.run()
    }

    private static func complain(_ text: String) {
        let line = Array("holdfast-worker: \(text)\n".utf8)
        // There is nobody else to tell.
        _ = write(STDERR_FILENO, line, line.count)
    }
}
