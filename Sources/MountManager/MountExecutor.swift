// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// Carries out the kernel operations that a state machine asks for: the one protocol behind which threads, worker
/// processes and the simulation stand.
///
/// The manager starts at most one operation at a time for a mountpoint; operations for different mountpoints overlap.
/// An operation says on `OperationProgress.current` when it has got its thread, and ends with an observation taken from
/// the kernel after its end, never with what a call returned.
public protocol MountExecutor: Sendable {
    /// Those of the mountpoints at which a worker of a daemon that is no more still acts. Asks once for all, as a rule.
    func orphans(among mountpoints: Set<Mountpoint>) async -> Set<Mountpoint>

    /// Looks at what is mounted at the mountpoint, and brings back what a crash left parked, if it repairs anything.
    func inspect(_ mountpoint: Mountpoint, expecting id: MountID?) async -> OperationOutcome

    /// Builds the mount where nobody can see it and keeps it, detached, under the id that it returns. When the
    /// caller's task is cancelled it ends as soon as it can.
    ///
    /// - Parameters:
    ///   - mountpoint: where it is to be placed.
    ///   - secrets: what is in the files of the source's options that are `inline`.
    /// - Throws: `mount_failed` with the kernel's words, or what kept it from getting that far; nothing is left behind.
    func build(
        _ source: MountSource, for mountpoint: Mountpoint, secrets: [String: Secret]
    ) async throws(MountError) -> MountID

    /// Attaches the built mount at the mountpoint in one step.
    func place(_ id: MountID, at mountpoint: Mountpoint) async -> OperationOutcome

    /// Unmounts this mount, and nothing else, by the means of the ladder's rung (0 is the plain unmount).
    func unmount(_ id: MountID, from mountpoint: Mountpoint, rung: Int) async -> OperationOutcome

    /// Unmounts those that have left their mountpoints for good, where they are, if nobody uses them any more. When the
    /// caller's task is cancelled it ends as soon as it can.
    func endParked() async

    /// Asks the filesystem of this mount whether it is there. When the caller's task is cancelled it ends as soon as
    /// it can.
    func probe(_ id: MountID, at mountpoint: Mountpoint, within limit: Duration) async -> ProbeResult

    /// Calls `notify` with each mount whose process may have ended, until the task is cancelled.
    func watchDeserted(_ notify: @escaping @Sendable (MountID) async -> Void) async

    /// Lets go of a built mount; one that has not been placed is freed by the kernel.
    func close(_ id: MountID) async

    /// Removes the mountpoint's folder; a folder that is not there is no error, one with content stays.
    func removeFolder(at mountpoint: Mountpoint) async throws(MountError)

    /// Which type a source has, where the caller names none: a folder is `bind`, a device or file has a signature.
    ///
    /// - Throws: `invalid_argument` where nothing tells, `timed_out` where the source does not answer.
    func detectType(of source: String, within limit: Duration) async throws(MountError) -> FilesystemType

    /// Where root, or what is root's, has mounted the source, whose type says that it is never mounted here; sorted.
    ///
    /// - Throws: `timed_out` where the mount table was not read within the limit.
    func places(ofExternal source: MountSource, within limit: Duration) async throws(MountError) -> [Mountpoint]

    /// What the kernel's table says about the topmost mount at the mountpoint, against what the source asks for.
    func examine(_ mountpoint: Mountpoint, expecting id: MountID?, of source: MountSource) async -> Examination

    /// Which of these mounts have other attributes than their sources ask for, or a filesystem that cannot be written
    /// where that was asked for; some microseconds a mount. A mount root that others have made shared is made private
    /// again, by an executor that repairs anything. Nil where nobody has looked.
    func drift(among mounts: [MountID: MountSource]) async -> Drift?

    /// The mounts attached right beneath the mount root, but for those with these ids; none where they cannot be read.
    func mountsBeneathRoot(except known: Set<MountID>) async -> [UnrecordedMount]

    /// Gives the mount the attributes that its source asks for, and makes its filesystem writable again where that may
    /// be, if it is on top at the mountpoint; nothing else is changed.
    ///
    /// - Returns: why it could not be done.
    func restoreAttributes(of id: MountID, at mountpoint: Mountpoint, for source: MountSource) async -> MountError?
}

extension MountExecutor {
    /// Builds what needs no secret.
    public func build(_ source: MountSource, for mountpoint: Mountpoint) async throws(MountError) -> MountID {
        try await build(source, for: mountpoint, secrets: [:])
    }

    /// Nothing: none has left.
    public func endParked() async {}

    /// It is not known.
    public func probe(_ id: MountID, at mountpoint: Mountpoint, within limit: Duration) async -> ProbeResult {
        ProbeResult(.unknown)
    }

    /// There are no processes.
    public func watchDeserted(_ notify: @escaping @Sendable (MountID) async -> Void) async {}

    /// None: what has no mount table of the host's knows of none.
    public func places(
        ofExternal source: MountSource, within limit: Duration
    ) async throws(MountError) -> [Mountpoint] { [] }

    /// None: what has no workers leaves none behind.
    public func orphans(among mountpoints: Set<Mountpoint>) async -> Set<Mountpoint> { [] }
}

/// What the kernel showed at a mountpoint after an operation.
public struct OperationOutcome: Hashable, Sendable {
    /// What is there, relative to the mount that was expected.
    public var seen: MountpointState.Seen
    /// Why it is not as it was wanted, where the operation failed.
    public var problem: MountError?
    /// The rung at which an unmount has failed because the filesystem does not answer; nil where it has not.
    public var hungRung: Int?

    /// Joins the three.
    public init(_ seen: MountpointState.Seen, problem: MountError? = nil, hungRung: Int? = nil) {
        self.seen = seen
        self.problem = problem
        self.hungRung = hungRung
    }
}

/// What `verify` found at a mountpoint.
public struct Examination: Hashable, Sendable {
    /// The verdict.
    public var result: Result
    /// What is there, for a person.
    public var found: String

    /// Joins the two.
    public init(_ result: Result, found: String) {
        self.result = result
        self.found = found
    }

    /// The verdicts of `verify`.
    public enum Result: String, Sendable {
        /// The recorded mount is on top, with its type and attributes.
        case ok
        /// Nothing is mounted there.
        case missing
        /// Ours is gone and something else is mounted in its place.
        case replaced
        /// Ours is there, beneath something else.
        case foreign
        /// Ours is there, and not as it was made.
        case drifted
        /// Ours is there as it was made, and its filesystem does not answer.
        case unresponsive
        /// It could not be looked at.
        case unknown
    }
}

/// What a filesystem said when it was asked whether it is there.
public struct ProbeResult: Sendable {
    /// What it said.
    public var answer: Answer
    /// Ends when the question has: a worker that asked and cannot be killed waits on.
    public var rest: Task<Void, Never>?

    /// Joins the two.
    public init(_ answer: Answer, rest: Task<Void, Never>? = nil) {
        self.answer = answer
        self.rest = rest
    }

    /// What it may say.
    public enum Answer: Hashable, Sendable {
        /// It is there.
        case answered
        /// It answers with an error.
        case refused(MountError)
        /// Nothing, in the time that it had.
        case silent
        /// It could not be asked, or nothing was heard.
        case unknown

        /// Whether it is silent now, from what was last known: what cannot be asked is as it was.
        func isSilence(after wasSilent: Bool) -> Bool {
            switch self {
            case .silent: true
            case .unknown: wasSilent
            case .answered, .refused: false
            }
        }
    }
}
