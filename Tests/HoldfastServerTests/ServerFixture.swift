// SPDX-License-Identifier: Apache-2.0

import Glibc
import HoldfastAPI
import HoldfastServer
import Logging
import Synchronization
import ServiceLifecycle
import SystemPackage
import Testing

/// A server on a socket in a folder of its own, for the time of one closure.
final class ServerFixture: Sendable {
    let socket: FilePath
    let service: ScriptedMountService
    let log: LogRecorder
    fileprivate let group: ServiceGroup
    fileprivate let clients = Mutex<[RawClient]>([])

    fileprivate init(socket: FilePath, service: ScriptedMountService, log: LogRecorder, group: ServiceGroup) {
        self.socket = socket
        self.service = service
        self.log = log
        self.group = group
    }

    /// Begins the graceful shutdown.
    func shutDown() async { await group.triggerGracefulShutdown() }

    /// A new connection, closed at the fixture's end.
    func connect() throws -> RawClient {
        let client = try RawClient(socket)
        clients.withLock { $0.append(client) }
        return client
    }

    /// One request on a connection of its own.
    func ask(_ method: String, _ target: String, fields: String = "", body: String? = nil) async throws
        -> RawClient.Response
    {
        let client = try connect()
        let response = try await client.ask(method, target, fields: fields, body: body)
        try await client.close()
        return response
    }
}

/// Runs a server around `body`, shuts it down, and checks that it left neither its socket nor a descriptor.
func withServer(
    limits: ServerLimits = ServerLimits(), file: String = "holdfast.sock",
    _ body: (ServerFixture) async throws -> Void
) async throws {
    // The event loops open their descriptors at first use: let that be before the count.
    if !descriptorsAreWarm.exchange(true, ordering: .relaxed) { try await withServer { _ in } }
    let before = try openDescriptors()
    let folder = try TemporaryFolder()
    let (listening, announce) = AsyncStream<Never>.makeStream()
    let (service, log) = (ScriptedMountService(), LogRecorder())
    let socket = folder.path.appending(file)
    let server = HTTPServer(
        service: service, socketPath: socket, limits: limits, logger: log.logger, onListening: { announce.finish() })
    let group = ServiceGroup(configuration: .init(services: [server], logger: log.logger))
    let fixture = ServerFixture(socket: socket, service: service, log: log, group: group)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { announce.finish() }
            try await group.run()
        }
        for await _ in listening {}
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(fixture))
        } catch {
            outcome = .failure(error)
        }
        for client in fixture.clients.withLock({ $0 }) { try await client.close() }
        await service.release()
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        try outcome.get()
    }
    #expect(access(socket.string, F_OK) != 0, "the socket file is still there")
    try folder.remove()
    let left = Set(try openDescriptors()).subtracting(before)
    #expect(left.isEmpty, "descriptors were left open")
}

private let descriptorsAreWarm = Atomic<Bool>(false)

/// The sockets and files that this process has open, each as the kernel names it, without the anonymous descriptors
/// (timers, event queues) that the run-time libraries open when they first need one and keep.
func openDescriptors() throws -> [String] {
    guard let folder = opendir("/proc/self/fd") else { throw RawClient.Failure(call: "opendir", number: errno) }
    defer { closedir(folder) }
    var open: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        var target = [CChar](repeating: 0, count: 4_096)
        let length = readlink("/proc/self/fd/\(name)", &target, target.count)
        if length <= 0 || name == "\(dirfd(folder))" { continue }
        let text = String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if !text.hasPrefix("anon_inode:") { open.append("\(name) \(text)") }
    }
    return open.sorted()
}

/// A new empty folder.
struct TemporaryFolder {
    let path: FilePath

    init() throws {
        var template = Array("/tmp/holdfast-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw RawClient.Failure(call: "mkdtemp", number: errno) }
        path = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    func remove() throws {
        if rmdir(path.string) < 0 { throw RawClient.Failure(call: "rmdir", number: errno) }
    }
}

/// Keeps what is logged.
final class LogRecorder: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private struct State {
        var lines: [Line] = []
        var watchers: [AsyncStream<Void>.Continuation] = []
    }

    private let storage = Mutex(State())
    var lines: [Line] { storage.withLock { $0.lines } }

    /// Waits until so many such lines have been logged.
    func waitForLines(_ count: Int = 1, where matches: @Sendable (Line) -> Bool) async throws {
        while true {
            let (stream, continuation) = AsyncStream<Void>.makeStream()
            let found = storage.withLock { state in
                state.watchers.append(continuation)
                return state.lines.count(where: matches) >= count
            }
            if found { return }
            for await _ in stream {}
            try Task.checkCancellation()
        }
    }

    /// Waits until a server's watch over its socket has begun so many looks from now on; all but the last are over.
    func waitForLooks(_ count: Int) async throws {
        let isLook: @Sendable (Line) -> Bool = { $0.message == "looking whether the socket is in its place" }
        try await waitForLines(lines.count(where: isLook) + count, where: isLook)
    }

    private func add(_ line: Line) {
        let watchers = storage.withLock { state in
            state.lines.append(line)
            defer { state.watchers = [] }
            return state.watchers
        }
        for watcher in watchers { watcher.finish() }
    }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(recorder: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let all = (event.metadata ?? [:]).mapValues { "\($0)" }
            recorder.add(Line(level: event.level, message: "\(event.message)", metadata: all))
        }
    }
}
