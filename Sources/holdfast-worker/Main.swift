// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxMount
internal import MountModel
internal import MountWorker
internal import SystemPackage

/// `holdfast-worker MOUNT-ROOT PARKING LOCKS OWN-FOLDER…`: started by holdfastd, which talks to it over descriptor 3.
@main
enum Main {
    static func main() {
        do throws(SystemCallError) {
            try ProcessHardening.setCoreDumpsOff()
            try ProcessHardening.setName("holdfast-worker")
            try work(CommandLine.arguments)
        } catch {
            complain("\(error)")
            exit(EX_OSERR)
        }
    }

    private static func work(_ words: [String]) throws(SystemCallError) {
        guard words.count >= 4 else {
            complain("this program is started by holdfastd only")
            exit(EX_USAGE)
        }
        // The daemon's folder may be on anything, which must not be kept from being unmounted.
        guard chdir("/") == 0 else { throw SystemCallError("chdir", Errno(rawValue: errno), on: "/") }
        let connection = try PacketConnection(inherited: 3)
        // This program, which nobody needs any more.
        close(4)
        let (steps, reached) = steps()
        let operations: MountOperations
        let locks: OperationLocks
        do throws(SystemCallError) {
            operations = MountOperations(
                root: try ManagedRoot.open(at: FilePath(words[1])),
                parking: try ParkingLot.open(at: FilePath(words[2])),
                ownFolders: words[4...].map { FilePath($0) }, reached: reached)
            locks = try OperationLocks(at: FilePath(words[3]))
        } catch {
            // Somebody has mounted over one of them, or unmounted it, or something else is in the locks' place.
            return try WorkerLoop.refuse(because: error, over: connection)
        }
        var loop = WorkerLoop(connection: connection, operations: operations, locks: locks)
        try steps.bound { () throws(SystemCallError) in try loop.run() }
    }

    /// Where a debug build ends by itself, if the daemon was told to.
    private static func steps() -> (KernelSteps, @Sendable (OperationStep) -> Void) {
        #if DEBUG
            do throws(MountError) {
                if let plan = try FailpointPlan.ofWorker() {
                    return (KernelSteps { plan.reach($0.name) }, { plan.reach("executor.\($0.rawValue)") })
                }
            } catch {
                complain("\(error)")
                exit(EX_USAGE)
            }
        #endif
        return (.none, { _ in })
    }

    private static func complain(_ text: String) {
        let line = Array("holdfast-worker: \(text)\n".utf8)
        // There is nobody else to tell.
        _ = write(STDERR_FILENO, line, line.count)
    }
}
