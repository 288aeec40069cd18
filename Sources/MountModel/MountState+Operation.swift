// SPDX-License-Identifier: Apache-2.0

extension MountState {
    /// What is known about the mountpoint's row, as it is durable.
    public struct Row: Hashable, Sendable {
        /// What is mounted there, or is to be.
        public var source: Source
        /// The mount's id: written before the mount is placed, so that it may or may not exist; nil while it is only
        /// wanted, after a reboot.
        public var id: MountID?

        /// Puts the parts together.
        public init(source: Source, id: MountID?) {
            self.source = source
            self.id = id
        }
    }

    /// A mount that exists where nobody can see it; the shell holds its descriptor.
    public struct BuiltMount: Hashable, Sendable {
        /// What was built.
        public let source: Source
        /// Its id, which it keeps when it is placed.
        public let id: MountID

        /// The row to be written before it is placed.
        public var row: Row { Row(source: source, id: id) }
    }

    /// What was seen at the mountpoint, in relation to the row's id.
    public enum Seen: Hashable, Sendable {
        /// Nobody has looked yet.
        case unknown
        /// Nothing is mounted there.
        case empty
        /// The topmost mount is ours.
        case ours
        /// Ours is there beneath another; or ours is in its parking slot and something else is at the mountpoint.
        case covered
        /// Something is mounted there, and ours is not.
        case foreign
        /// Others have moved ours elsewhere, whatever is at the mountpoint now.
        case moved
    }

    /// A kernel operation in flight.
    public struct Operation: Hashable, Sendable {
        /// What is being done.
        public let kind: Kind
        /// Whether it is past its deadline and could not be killed.
        public internal(set) var isStuck = false
        /// Whether it was told to give up; only a build can be.
        public internal(set) var isAborted = false

        init(_ kind: Kind) { self.kind = kind }

        /// The kinds of operations.
        public enum Kind: Hashable, Sendable {
            /// Looking what is there, in relation to this id.
            case inspect(MountID?)
            /// Making a detached mount.
            case build(Source)
            /// Moving the built mount to the mountpoint.
            case place(MountID)
            /// Unmounting exactly ours.
            case unmount(MountID, rung: Int)
            /// Something that a worker of the dead daemon is still about.
            case orphan
        }
    }
}
