// SPDX-License-Identifier: Apache-2.0

public import Filesystems
public import LinuxMount
public import SystemPackage

/// What the daemon asks of a worker; one at a time.
public enum WorkerRequest: Hashable, Sendable {
    /// Make a detached mount. Where a helper program makes it, it does so in this control group, and it is the worker's
    /// last deed.
    case build(MountRecipe, group: FilePath? = nil)
    /// Unmount this mount, and nothing else, from its place beneath the mount root.
    case unmount(KernelMountID, from: FilePath, by: UnmountMeans = .exactly)
    /// Unmount this mount in its parking slot, if nobody uses it.
    case endParked(KernelMountID)
    /// Ask the filesystem of this mount whether it is there, if the mount is on top at its place.
    case probe(KernelMountID, at: FilePath)
    /// Keep the descriptor that comes with the packet for the `close` that follows; the only request without an answer.
    case hold
    /// Close what is held, the last descriptor of a mount that was never placed: its end may take a while. It comes in
    /// two packets because the sender closes its own in between, and must not be the last.
    case close
    /// Say what is at the path and which filesystem is on it.
    case detect(FilePath)
    /// Make the filesystem of this mount writable again, if the mount is on top at its place beneath the mount root.
    case makeWritable(KernelMountID, at: FilePath)
}

extension WorkerRequest {
    /// Whether the worker ends after it: a helper program has its worker for itself.
    package var isLast: Bool {
        if case .build(let recipe, _) = self, case .helper = recipe.medium { true } else { false }
    }
}

/// What a worker answers.
public enum WorkerReply: Hashable, Sendable {
    /// The mount, whose descriptor comes with the packet.
    case built
    /// How unmounting ended.
    case unmounted(UnmountOutcome)
    /// It is closed.
    case closed
    /// The name of what is at the path: `folder`, or a filesystem's; nil for what nothing knows.
    case detected(String?)
    /// It is writable, or not on top any more.
    case madeWritable
    /// The filesystem has answered, or its mount is not on top any more.
    case probed
    /// The mount would show a folder of Holdfast's own; it is not built.
    case ownFolder(OwnFolders.Shown)
    /// The kernel's refusal; nothing is left behind.
    case failed(SystemCallError)
    /// A helper program's; what it has left behind is in the control group.
    case helperFailed(HelperFailure)
}

extension WorkerRequest: PacketValue {
    package func write(to packet: inout PacketWriter) {
        switch self {
        case .build(let recipe, let group):
            packet.append(UInt8(0))
            packet.append(recipe)
            packet.append(group)
        case .unmount(let id, let path, let means):
            packet.append(UInt8(1))
            packet.append(id)
            packet.append(path)
            packet.append(means.rawValue)
        case .close: packet.append(UInt8(2))
        case .hold: packet.append(UInt8(4))
        case .detect(let path):
            packet.append(UInt8(3))
            packet.append(path)
        case .makeWritable(let id, let path):
            packet.append(UInt8(5))
            packet.append(id)
            packet.append(path)
        case .endParked(let id):
            packet.append(UInt8(6))
            packet.append(id)
        case .probe(let id, let path):
            packet.append(UInt8(7))
            packet.append(id)
            packet.append(path)
        }
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        switch try packet.take(UInt8.self) {
        case 0: self = .build(try packet.take(), group: try packet.take())
        case 1:
            let (id, path): (KernelMountID, FilePath) = (try packet.take(), try packet.take())
            guard let means = UnmountMeans(rawValue: try packet.take()) else { throw MalformedPacket() }
            self = .unmount(id, from: path, by: means)
        case 2: self = .close
        case 3: self = .detect(try packet.take())
        case 4: self = .hold
        case 5: self = .makeWritable(try packet.take(), at: try packet.take())
        case 6: self = .endParked(try packet.take())
        case 7: self = .probe(try packet.take(), at: try packet.take())
        default: throw MalformedPacket()
        }
    }
}

extension WorkerReply: PacketValue {
    package func write(to packet: inout PacketWriter) {
        switch self {
        case .built: packet.append(UInt8(0))
        case .unmounted(let outcome):
            packet.append(UInt8(1))
            packet.append(outcome)
        case .closed: packet.append(UInt8(2))
        case .detected(let name):
            packet.append(UInt8(3))
            packet.append(name)
        case .failed(let error):
            packet.append(UInt8(4))
            packet.append(error)
        case .madeWritable: packet.append(UInt8(5))
        case .ownFolder(let shown):
            packet.append(UInt8(6))
            packet.append(shown.path)
            packet.append(shown.folder)
        case .helperFailed(let failure):
            packet.append(UInt8(7))
            packet.append(failure)
        case .probed: packet.append(UInt8(8))
        }
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        switch try packet.take(UInt8.self) {
        case 0: self = .built
        case 1: self = .unmounted(try packet.take())
        case 2: self = .closed
        case 3: self = .detected(try packet.take())
        case 4: self = .failed(try packet.take())
        case 5: self = .madeWritable
        case 6: self = .ownFolder(OwnFolders.Shown(try packet.take(), shows: try packet.take()))
        case 7: self = .helperFailed(try packet.take())
        case 8: self = .probed
        default: throw MalformedPacket()
        }
    }
}

extension UnmountOutcome: PacketValue {
    package func write(to packet: inout PacketWriter) {
        switch self {
        case .unmounted: packet.append(UInt8(0))
        case .busy: packet.append(UInt8(1))
        case .foreign(let id):
            packet.append(UInt8(2))
            packet.append(id)
        case .absent: packet.append(UInt8(3))
        case .parked: packet.append(UInt8(4))
        }
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        switch try packet.take(UInt8.self) {
        case 0: self = .unmounted
        case 1: self = .busy
        case 2: self = .foreign(try packet.take())
        case 3: self = .absent
        case 4: self = .parked
        default: throw MalformedPacket()
        }
    }
}
