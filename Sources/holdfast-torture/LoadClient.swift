// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HoldfastAPI
internal import LinuxMount
internal import MountTestSupport
internal import Synchronization

/// One client of the load: attaches and detaches at random, by its own seed, and keeps the record of what it was told.
///
/// Its attachments are its own; the mounts are shared with the other clients.
// SAFETY: one thread at a time: the load's, or after it has ended the harness's.
final class LoadClient: @unchecked Sendable {
    let number: Int
    private(set) var records: [LoadKey: KeyRecord] = [:]
    private(set) var tally = Tally()
    /// What was wrong with an answer, or with a file.
    private(set) var complaints: [String] = []
    private let world: World
    private let keys: [LoadKey]
    private var random = SeededGenerator(seed: 0)
    private var held: [Int32] = []
    private var written = 0

    init(_ number: Int, in world: World) {
        self.number = number
        self.world = world
        var keys: [LoadKey] = []
        for (index, source) in world.sources.enumerated() where (number + 8 - index % 8) % 8 < source.users {
            for volume in number % 2 == 0 ? ["."] : [".", "disk-1"] {
                keys.append(LoadKey(source: index, consumer: "vm-\(number)", volume: volume))
            }
        }
        self.keys = keys
        for key in keys { records[key] = KeyRecord() }
    }

    /// Sends requests, one after the other, until it is told to stop.
    func run(seed: UInt64, until stop: StopFlag, pause: Duration = .zero) {
        random = SeededGenerator(seed: seed)
        let appetite = Int.random(in: 40...80, using: &random)
        while !stop.isSet, complaints.isEmpty {
            guard let key = keys.randomElement(using: &random), let record = records[key] else { break }
            let isWanted = chance(record.knowledge == .there ? 15 : appetite)
            if chance(6) { hangUp(on: key, attaching: isWanted) } else if isWanted { attach(key) } else { detach(key) }
            if pause > .zero { usleep(UInt32(pause / .microseconds(1))) }
            if chance(10) { letGo() }
        }
        letGo()
    }

    /// Takes over what the daemon lists.
    func adopt(_ listed: [LoadKey: HeldAttachment]) {
        for key in keys { records[key]?.adopt(listed[key]) }
    }

    /// The host has rebooted.
    func reboot() {
        for key in keys { records[key]?.reboot(keepsFiles: world.sources[key.source].isLasting) }
    }

    /// Detaches one of its own, as at the end of a run.
    func detachNow(_ key: LoadKey) {
        send(detaching: key, timeout: nil)
    }

    private func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    // MARK: - Requests

    private func attach(_ key: LoadKey) {
        let source = world.sources[key.source]
        if source.isFolderMadeBefore, let at = source.at { makeFolderFirst(at) }
        let request = request(key, timeout: randomTimeout())
        let isPersistent = request.lease != nil
        do throws(Problem) {
            let answer = try world.client.attach(request)
            tally.attached += 1
            note(
                key,
                records[key]?.noteAttach(
                    .done(changed: answer.created), persistent: isPersistent,
                    answer: HeldAttachment(answer.attachment)))
            if source.isBroken { complaints.append("\(key): attached a source that cannot be mounted") }
            use(answer, key)
        } catch {
            let outcome = tally.count(error)
            note(key, records[key]?.noteAttach(outcome, persistent: isPersistent))
        }
    }

    private func detach(_ key: LoadKey) {
        // Who goes on using what he has detached keeps the mount busy.
        if chance(5), let path = records[key]?.file?.path { hold(path) }
        send(detaching: key, timeout: randomTimeout())
    }

    private func send(detaching key: LoadKey, timeout: Double?) {
        do throws(Problem) {
            let answer = try world.client.detach(selector(key), timeoutSeconds: timeout)
            tally.detached += 1
            note(key, records[key]?.noteDetach(.done(changed: answer.detached)))
        } catch {
            let outcome = tally.count(error)
            note(key, records[key]?.noteDetach(outcome))
        }
    }

    /// Sends a request and closes the connection without waiting for the answer, at once or in a moment.
    private func hangUp(on key: LoadKey, attaching: Bool) {
        let text =
            attaching ? RawRequest.attach(request(key, timeout: nil)) : RawRequest.detach(selector(key))
        guard let text, let connection = RawConnection(world.socket) else { return }
        guard connection.send(text) else { return }
        tally.hungUp += 1
        if chance(50) { usleep(UInt32.random(in: 1...5000, using: &random)) }
        _ = attaching ? records[key]?.noteAttach(.unanswered) : records[key]?.noteDetach(.unanswered)
    }

    private func note(_ key: LoadKey, _ complaint: String??) {
        if let complaint = complaint ?? nil { complaints.append("\(key): \(complaint)") }
    }

    private func request(_ key: LoadKey, timeout: Double?) -> AttachRequest {
        let source = world.sources[key.source]
        return AttachRequest(
            source: source.source, consumer: key.consumer, volume: key.volume, type: source.type,
            options: source.options, at: source.at, lease: chance(30) ? "persistent" : nil, timeoutSeconds: timeout)
    }

    private func selector(_ key: LoadKey) -> DetachSelector {
        let source = world.sources[key.source]
        return DetachSelector(
            source: source.source, consumer: key.consumer, volume: key.volume, type: source.type, at: source.at)
    }

    private func randomTimeout() -> Double? { chance(15) ? Double.random(in: 0.001...0.02, using: &random) : nil }

    /// Somebody who is not root makes the mountpoint's folder before Holdfast does.
    private func makeFolderFirst(_ path: String) {
        if mkdir(path, 0o755) == 0 { _ = chown(path, 65534, 65534) }
    }

    // MARK: - What is attached

    private func use(_ answer: AttachResponse, _ key: LoadKey) {
        let source = world.sources[key.source]
        // Where outsiders are about, a path may lead into their mount.
        guard source.isWritable, !source.isDisturbed, chance(50) else { return }
        written += 1
        let file = WrittenFile(
            path: "\(answer.mount.mountpoint)/\(key.consumer)-\(key.volume == "." ? "all" : key.volume)",
            content: "\(number) \(written)", mountID: answer.mount.kernelMountID)
        let descriptor = open(file.path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        let code = errno
        guard descriptor >= 0 else {
            // A detach that it hung up on may have come after the attach.
            if code == ENOENT, records[key]?.hasGhost == true { return }
            complaints.append("\(key): cannot write \(file.path): \(String(cString: strerror(code)))")
            return
        }
        let opened = OwnedDescriptor(owning: descriptor)
        // Somebody may have covered the mount since the answer: then it is his filesystem that this is on.
        guard (try? MountTable.current.mountID(of: opened))?.rawValue == file.mountID else { return }
        let bytes = Array(file.content.utf8)
        if Glibc.write(descriptor, bytes, bytes.count) == bytes.count { records[key]?.file = file }
    }

    /// Keeps a file open for a while.
    private func hold(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor >= 0 { held.append(descriptor) }
    }

    private func letGo() {
        for descriptor in held { close(descriptor) }
        held = []
    }
}

/// Tells threads that it is over.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}
