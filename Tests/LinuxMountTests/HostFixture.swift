// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import LinuxMount
import SystemPackage
import Testing

/// What the tests of the host share.
enum HostFixture {
    /// The descriptors of a process, this one unless told, and what they are open on.
    static func openFiles(of process: Int32 = getpid()) throws -> [String: String] {
        var files: [String: String] = [:]
        for number in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd") {
            // The one that listed them is closed by now, and other tests close theirs while we look.
            files[number] = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\(number)")
        }
        return files
    }

    /// Runs the body on a thread of its own with a mount namespace of its own: what it mounts is seen by nobody, and
    /// nobody else's mounts are seen by it. Expectations belong to the test, not in here: return what is to be checked.
    static func inOwnMountNamespace<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await onOwnThread {
            try SystemCallError.check(hf_unshare_mounts(), "unshare")
            try check(mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil), "mount")
            return try body()
        }
    }

    /// Runs the body where it may block, and change what belongs to a thread.
    ///
    /// Another thread resumes the caller: that may make threads for the pool, which inherit the namespace of the one
    /// that makes them.
    static func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                let outcome = Outcome<Value>()
                Thread.detachNewThread { outcome.set(Result { try body() }) }
                continuation.resume(with: outcome.get())
            }
        }
    }

    /// Turns the C library's convention into an error.
    static func check(_ result: CInt, _ call: String, on subject: String? = nil) throws {
        if result < 0 { throw SystemCallError(call, Errno(rawValue: errno), on: subject) }
    }

    /// The error that the body throws, which it must.
    static func systemCallError(_ body: () throws -> Void) throws -> SystemCallError {
        try #require(throws: SystemCallError.self, performing: body)
    }

    /// Runs the body on another thread that shares the caller's namespaces, and blocks until it has ended.
    static func onOtherThread(_ body: @escaping @Sendable () throws -> Void) throws {
        try onOtherThread(whileRunning: body) {}
    }

    /// Runs one body on another thread and one on this; blocks until both have ended.
    static func onOtherThread(
        whileRunning other: @escaping @Sendable () throws -> Void, _ body: () throws -> Void
    ) throws {
        let outcome = Outcome<Void>()
        Thread.detachNewThread { outcome.set(Result { try other() }) }
        defer { outcome.wait() }
        try body()
        try outcome.get().get()
    }

    private final class Outcome<Value: Sendable>: Sendable {
        private let condition = NSCondition()
        // SAFETY: read and written only while `condition` is locked.
        private nonisolated(unsafe) var result: Result<Value, any Error>?

        func set(_ result: Result<Value, any Error>) {
            condition.lock()
            defer { condition.unlock() }
            self.result = result
            condition.broadcast()
        }

        func wait() { _ = get() }

        func get() -> Result<Value, any Error> {
            condition.lock()
            defer { condition.unlock() }
            while true {
                if let result { return result }
                condition.wait()
            }
        }
    }
}
