// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    internal import CLinux
    internal import Glibc
    internal import LinuxMount
    package import MountModel
    internal import Synchronization

    /// Where the daemon ends, or stops, by itself: how the crash tests get between any two steps, its own and those of
    /// its workers, which have the plan and the counts from it. Debug builds only.
    ///
    /// `HOLDFAST_FAILPOINT` has a list of `NAME[:N][=kill|orphan|stop]`, separated by commas: it happens at the N-th
    /// time (by default the first) that the point is reached, in whichever process. `any` counts all points together.
    /// To the file that `HOLDFAST_FAILPOINTS_REACHED` names, each point's name is appended when a process reaches it
    /// for the first time.
    package final class FailpointPlan: Sendable {
        private let triggers: [FailpointTrigger]
        /// A number for each trigger, in a file without a name that all processes share.
        private let counts: OwnedDescriptor
        /// Nil where none is wanted. Kept open: the process ends without a chance to write later.
        private let record: CInt?
        private let daemon: pid_t
        private let reached = Mutex<Set<String>>([])
        /// What workers are started with, to have the same plan.
        package let workerEnvironment: [String]

        /// The daemon's plan.
        ///
        /// - Throws: `invalid_argument` for what is not a failpoint, or a record that cannot be written.
        package static func ofDaemon(isKnown: (String) -> Bool) throws(MountError) -> FailpointPlan {
            let triggers = try FailpointTrigger.list(variable("HOLDFAST_FAILPOINT") ?? "", isKnown: isKnown)
            var name = Array("/tmp/holdfast-failpoints-XXXXXX".utf8CString)
            let counts = mkstemp(&name)
            guard counts >= 0, fcntl(counts, F_SETFD, FD_CLOEXEC) == 0, unlink(name) == 0 else {
                throw .invalidArgument("mkstemp: \(String(cString: strerror(errno)))")
            }
            return try FailpointPlan(
                triggers, counts: OwnedDescriptor(owning: counts), daemon: getpid(),
                place: "/proc/\(getpid())/fd/\(counts)")
        }

        /// The plan of the daemon that has started this worker; nil where it has none.
        ///
        /// - Throws: `invalid_argument` for what the daemon has not made.
        package static func ofWorker() throws(MountError) -> FailpointPlan? {
            guard let place = variable("HOLDFAST_FAILPOINT_COUNTS"),
                let daemon = variable("HOLDFAST_FAILPOINT_DAEMON").flatMap({ pid_t($0) })
            else { return nil }
            let triggers = try FailpointTrigger.list(variable("HOLDFAST_FAILPOINT") ?? "") { _ in true }
            let counts = open(place, O_RDWR | O_CLOEXEC)
            guard counts >= 0 else { throw .invalidArgument("\(place): \(String(cString: strerror(errno)))") }
            return try FailpointPlan(
                triggers, counts: OwnedDescriptor(owning: counts), daemon: daemon, place: place)
        }

        private init(
            _ triggers: [FailpointTrigger], counts: consuming OwnedDescriptor, daemon: pid_t, place: String
        ) throws(MountError) {
            self.triggers = triggers
            self.counts = counts
            self.daemon = daemon
            let path = Self.variable("HOLDFAST_FAILPOINTS_REACHED")
            record = path.map { open($0, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600) }
            if let record, record < 0 {
                throw .invalidArgument("cannot open \(path ?? ""): \(String(cString: strerror(errno)))")
            }
            let handedOn = ["HOLDFAST_FAILPOINT", "HOLDFAST_FAILPOINTS_REACHED"].compactMap { name in
                Self.variable(name).map { "\(name)=\($0)" }
            }
            workerEnvironment =
                handedOn.isEmpty
                ? [] : handedOn + ["HOLDFAST_FAILPOINT_COUNTS=\(place)", "HOLDFAST_FAILPOINT_DAEMON=\(daemon)"]
        }

        /// Takes note that the point is reached; does not return where this process is to end there.
        package func reach(_ name: String) {
            let action = reached.withLock { reached in
                if let record, reached.insert(name).inserted {
                    let line = Array("\(name)\n".utf8)
                    // Nobody can be told; a name that is missing is noticed by who reads the file.
                    _ = write(record, line, line.count)
                }
                var action: FailpointTrigger.Action?
                for (index, trigger) in triggers.enumerated()
                where trigger.name == name || trigger.name == FailpointTrigger.any {
                    if count(index) == trigger.passage { action = action ?? trigger.action }
                }
                return action
            }
            switch action {
            case .kill:
                signalDaemon(SIGKILL)
                kill(getpid(), SIGKILL)
            case .orphan: signalDaemon(SIGKILL)
            case .stop where getpid() == daemon: raise(SIGSTOP)
            case .stop: stopDaemon()
            case nil: break
            }
        }

        /// Counts one more, among all processes.
        private func count(_ index: Int) -> UInt64 {
            var number: UInt64 = 0
            let offset = index * MemoryLayout<UInt64>.size
            hf_lock_byte(counts.rawValue, 0)
            pread(counts.rawValue, &number, MemoryLayout<UInt64>.size, off_t(offset))
            number += 1
            pwrite(counts.rawValue, &number, MemoryLayout<UInt64>.size, off_t(offset))
            hf_unlock_byte(counts.rawValue, 0)
            return number
        }

        /// A worker whose daemon has ended has another parent: its old number may be anybody's.
        private func signalDaemon(_ signal: CInt) {
            if getpid() == daemon || getppid() == daemon { kill(daemon, signal) }
        }

        /// Waits, in a worker, until whoever watches the daemon has seen it stop, and has let it go on.
        private func stopDaemon() {
            signalDaemon(SIGSTOP)
            // One that goes on at once may not be seen to have stopped.
            for _ in 0..<1000 where !isDaemonStopped { usleep(1000) }
            // Without a pause: what was done meanwhile is to be met before the daemon has seen it.
            while isDaemonStopped { sched_yield() }
        }

        private var isDaemonStopped: Bool {
            var bytes = [UInt8](repeating: 0, count: 256)
            let file = open("/proc/\(daemon)/stat", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return false }
            let count = read(file, &bytes, bytes.count)
            close(file)
            guard count > 0, let name = bytes.prefix(count).lastIndex(of: UInt8(ascii: ")")) else { return false }
            return name + 2 < count && bytes[name + 2] == UInt8(ascii: "T")
        }

        private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    }
#endif
