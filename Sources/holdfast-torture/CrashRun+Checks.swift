// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import HoldfastAPI
internal import LinuxMount
internal import MountTestSupport
internal import SystemPackage

// What must hold after each kill, and at the end.
extension CrashRun {
    /// The dead daemon's ledger has what was acknowledged, and not what was acknowledged as gone.
    func compareLedger(after daemon: DaemonProcess, _ moment: String) throws {
        var complaints = clients.flatMap(\.complaints)
        let ledger = try LedgerCopy(world: world).attachments()
        for (key, record) in allRecords {
            if let complaint = record.complaint(finding: ledger[key]) {
                complaints.append("\(key): \(complaint), in the ledger")
            }
        }
        if !complaints.isEmpty { throw violation(complaints, moment, daemon) }
    }

    /// Asks the daemon until everything is at rest, and compares it with the record and the kernel.
    ///
    /// - Returns: the list; nil where the daemon has ended meanwhile.
    /// - Throws: the violation.
    func settledList(of daemon: DaemonProcess, _ aim: Aim) throws -> MountList? {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            var complaints: [String]
            let list: MountList
            do throws(Problem) {
                list = try world.client.mounts()
            } catch {
                if daemon.waitForEnd(within: 2) != nil { return nil }
                throw violation(["cannot list: \(error.detail)"], "\(aim)", daemon)
            }
            // What was acknowledged holds from the first answer on.
            let (found, strangers) = check.attachments(in: list)
            let broken = recordComplaints(found) + strangers
            if !broken.isEmpty { throw violation(broken, "\(aim)", daemon) }
            complaints = try check.complaints(about: list)
            if complaints.isEmpty, try detachStalled(found) { continue }
            if complaints.isEmpty {
                try finishCheck(list, found, daemon, aim)
                return list
            }
            if ContinuousClock.now > deadline {
                if daemon.waitForEnd(within: 0) != nil { return nil }
                throw violation(complaints, "\(aim), not at rest after 20 s", daemon)
            }
            usleep(3_000)
        }
    }

    private func recordComplaints(_ found: [LoadKey: HeldAttachment]) -> [String] {
        allRecords.compactMap { key, record in
            record.complaint(finding: found[key]).map { "\(key): \($0)" }
        }
    }

    private func finishCheck(
        _ list: MountList, _ found: [LoadKey: HeldAttachment], _ daemon: DaemonProcess, _ aim: Aim
    ) throws {
        let records = allRecords
        var broken = check.fileComplaints(records, in: list)
        if hasRebooted {
            let survivors = found.filter { $0.value.isPersistent == false }
            broken += survivors.map { "\($0.key): an ordinary attachment has survived the reboot" }
            report.restoredAttachments += records.values.count { $0.knowledge == .there }
            hasRebooted = false
        }
        if !broken.isEmpty { throw violation(broken, "\(aim)", daemon) }
        if unchecked > 0 {
            report.checks += 1
            report.verifiedAttachments += records.values.count { $0.knowledge == .there }
            report.verifiedFiles += records.values.count { $0.knowledge == .there && $0.file != nil }
        }
        unchecked = 0
        for client in clients { client.adopt(found) }
        for key in stalled.keys { stalled[key]?.adopt(nil) }
    }

    /// Detaches what the clients that have stopped may have got; whether there was anything.
    private func detachStalled(_ found: [LoadKey: HeldAttachment]) throws -> Bool {
        let there = stalled.keys.filter { found[$0] != nil }
        for key in there {
            let source = world.sources[key.source]
            do throws(Problem) {
                _ = try world.client.detach(
                    DetachSelector(
                        source: source.source, consumer: key.consumer, volume: key.volume, type: source.type,
                        at: source.at))
                stalled[key]?.adopt(nil)
            } catch {
                // The daemon may end at any moment: then it is either there or not.
                _ = stalled[key]?.noteDetach(.unanswered)
            }
        }
        return !there.isEmpty
    }

    /// Detaches everything and ends the daemon as an administrator does: nothing may be left.
    func emptyOut() throws {
        let daemon = try start()
        guard try daemon.waitUntilListening(within: 30) else {
            throw Complaint("the daemon does not start: \(daemon.logTail().joined(separator: "\n"))")
        }
        try Outsider(world: world).leave()
        guard try settledList(of: daemon, .rest) != nil else { throw Complaint("the daemon has ended by itself") }
        for client in clients {
            for (key, record) in client.records where record.knowledge == .there { client.detachNow(key) }
        }
        guard let list = try settledList(of: daemon, .rest) else { throw Complaint("the daemon has ended by itself") }
        if !list.mounts.isEmpty { throw violation(["not detached: \(list)"], "at the end", daemon) }
        daemon.signal(SIGTERM)
        guard case .exited(0) = daemon.waitForEnd(within: 30) else {
            throw violation(["the daemon does not end with status 0"], "at the end", daemon)
        }
        // Folders that somebody else has made are his to remove.
        world.removeFoldersOfOthers()
        let left = try check.leftovers() + LedgerCopy(world: world).attachments().keys.map { "in the ledger: \($0)" }
        if !left.isEmpty { throw violation(left.map { "left: \($0)" }, "at the end", daemon) }
    }

    /// As on a new host.
    func removeOwnFolders() throws {
        for path in [world.mountRoot, world.runtimeFolder + "/parking"] {
            try require(rmdir(path) == 0 || errno == ENOENT, "rmdir \(path)")
        }
    }
}
