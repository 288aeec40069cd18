// SPDX-License-Identifier: Apache-2.0

import Diagnosis
import Glibc
import HoldfastAPI
import LinuxMount
import MountModel
import SystemPackage

/// What can be seen of the host without the daemon.
struct LocalDiagnosis {
    /// Where `holdfastd` keeps its ledger unless it is told otherwise.
    static let stateFolder = "/var/lib/holdfast/state"
    /// Where it mounts unless it is told otherwise.
    static let mountRoot = "/var/lib/holdfast/mounts"

    let stateFolder: String
    let mountRoot: String

    init(stateFolder: String, mountRoot: String) {
        self.stateFolder = stateFolder
        self.mountRoot = mountRoot
    }

    /// Why the daemon did not answer, and what the host shows, the worst first.
    func findings(without socket: String, because problem: Problem) -> [DoctorResponse.Entry] {
        let (state, root) = (FilePath(stateFolder), FilePath(mountRoot))
        let silent = FolderReach.silent(among: [state, root])
        let heard = silent.contains(state) ? nil : stateFolder
        let unheard = UnheardDaemon(of: socket, after: problem, stateFolder: heard)
        var findings = [unheard?.finding ?? Self.absence(of: socket, problem)] + silent.map(Self.silence)
        let saved = Self.savedCopy(beside: socket)
        if let saved {
            findings.append(
                .savedLedger(
                    saved, of: state.appending(LedgerSurvey.fileName).string,
                    why: "holdfastd changes nothing before somebody has decided which holds"))
        }
        if heard != nil { findings += ledger(hasCopy: saved != nil) }
        if geteuid() != 0 { findings.append(Self.notRoot) }
        do throws(SystemCallError) {
            if !silent.contains(root) { findings += try MountRootFacts(lookingAt: root).findings }
            findings += try mounts(beneath: root)
        } catch {
            findings.append(Self.unknown("host_unknown", "the host's mounts cannot be looked at: \(error)"))
        }
        do throws(SystemCallError) {
            if try !MountNamespace.isInitial() { findings.append(Self.otherNamespace) }
        } catch {
            findings.append(
                Self.unknown("namespace_unknown", "whether this is the host's mount namespace cannot be told: \(error)")
            )
        }
        return findings.sortedBySeverity().map(DoctorResponse.Entry.init)
    }

    private static func absence(of socket: String, _ problem: Problem) -> Finding {
        switch problem.errno {
        case ENOENT:
            Finding(
                "daemon_not_running", .error, what: "holdfastd does not run: there is no socket at \(socket)",
                why: "nothing can be attached or detached; mounts that are there stay as they are",
                action: "start holdfastd, and see in its log why it ended; or name the right socket with --socket")
        case ECONNREFUSED:
            Finding(
                "daemon_not_running", .error, what: "nobody listens at \(socket): holdfastd has ended",
                why: "nothing can be attached or detached; mounts that are there stay as they are",
                action: "start holdfastd, and see in its log why it ended")
        case EACCES, EPERM:
            Finding(
                "daemon_not_reachable", .error, what: "the socket \(socket) may not be used by uid \(geteuid())",
                why: "whether holdfastd runs is not known", action: "run this command as root")
        default:
            Finding(
                problem.knownCode == .permissionDenied ? "daemon_not_reachable" : "daemon_not_answering", .error,
                what: problem.detail, why: "what holdfastd knows is missing here",
                action: problem.hint ?? "see holdfastd's log, and restart it if it hangs")
        }
    }

    private static func silence(of folder: FilePath) -> Finding {
        Finding(
            "folder_silent", .error,
            what: "the filesystem of \(folder) has not answered within \(FolderReach.patience)",
            why: "holdfastd does not start before it answers; what is in it is not known to this check",
            action: FolderReach.advice)
    }

    /// The copy of a ledger that was taken from under a daemon: in the runtime folder, which is the socket's as a rule.
    private static func savedCopy(beside socket: String) -> String? {
        let folder = FilePath(socket).removingLastComponent()
        let name = LedgerSurvey.savedName
        guard FolderFacts(lookingAt: folder).sizes(ofNamesBeginningWith: name)[name] != nil else { return nil }
        return folder.appending(name).string
    }

    private func ledger(hasCopy: Bool) -> [Finding] {
        let facts = StateFolderFacts(lookingAt: FilePath(stateFolder))
        var findings = facts.findings()
        if !hasCopy, !facts.ledgers.isThere, let last = facts.ledgers.movedAside.last {
            findings.append(
                .unreadableLedger(
                    "the ledger could not be read and was moved aside: \(last)",
                    why: "holdfastd starts without knowing who uses what, and changes nothing", movedTo: last.string))
        }
        return findings
    }

    /// What is mounted, while nobody watches over it.
    private func mounts(beneath root: FilePath) throws(SystemCallError) -> [Finding] {
        let mounts = try MountTable.current.entries(beneath: root)
        guard !mounts.isEmpty else { return [] }
        return [
            Finding(
                "mounts_without_daemon", .notice, what: "\(mounts.count) mounts are beneath \(mountRoot)",
                why: "they stay as they are; holdfastd takes up those that are its own when it starts",
                action: "see them with 'findmnt --submounts \(mountRoot)'")
        ]
    }

    private static func unknown(_ code: String, _ what: String) -> Finding {
        Finding(code, .notice, what: what, why: "this check is incomplete", action: "run this command as root")
    }

    private static let notRoot = Finding(
        "not_root", .notice, what: "this command does not run as root", why: "much cannot be looked at",
        action: "run it as root")

    private static let otherNamespace = Finding(
        "other_namespace", .warning, what: "this command runs in a mount namespace that is not the host's",
        why: "it does not see the host's mounts, nor perhaps holdfastd's socket",
        action: "run it outside of containers and unshare(1)")
}
