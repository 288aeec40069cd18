// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import MountModel
import SystemPackage
import Testing

@testable import HoldfastServer

extension HTTPServerTests {
    @Suite struct ListeningSocketTests {
        private func mode(of path: FilePath) throws -> mode_t {
            var status = stat()
            if lstat(path.string, &status) < 0 { throw RawClient.Failure(call: "lstat", number: errno) }
            return status.st_mode
        }

        private func refusal(at path: FilePath) async -> MountError? {
            do throws(MountError) {
                try await HTTPServer(
                    service: ScriptedMountService(), socketPath: path, logger: LogRecorder().logger
                ).run()
                return nil
            } catch {
                return error
            }
        }

        /// A server that ends with its task, and says each time that it listens.
        private func announced(
            at path: FilePath, log: LogRecorder = LogRecorder()
        ) -> (task: Task<Void, any Error>, listening: AsyncStream<Void>, announce: AsyncStream<Void>.Continuation) {
            let (listening, announce) = AsyncStream<Void>.makeStream()
            let server = HTTPServer(
                service: ScriptedMountService(), socketPath: path, logger: log.logger,
                onListening: { announce.yield() })
            let task = Task {
                defer { announce.finish() }
                try await server.run()
            }
            return (task, listening, announce)
        }

        /// A server that listens; it ends with its task.
        private func start(at path: FilePath, log: LogRecorder = LogRecorder()) async -> Task<Void, any Error> {
            let (task, listening, _) = announced(at: path, log: log)
            for await _ in listening { break }
            return task
        }

        @Test(arguments: [0, 0o022, 0o077, 0o777] as [mode_t])
        func `the socket has mode 0600 whatever the umask is`(mask: mode_t) async throws {
            try await withServer { _ in }
            let folder = try TemporaryFolder()
            defer { rmdir(folder.path.string) }
            let path = folder.path.appending("s")
            let old = umask(mask)
            defer { umask(old) }
            let task = await start(at: path)
            #expect(try mode(of: path) == S_IFSOCK | 0o600)
            task.cancel()
            try await task.value
            #expect(access(path.string, F_OK) != 0)
        }

        @Test func `a socket file that others remove is made anew, and open connections stay`() async throws {
            let folder = try TemporaryFolder()
            defer { rmdir(folder.path.string) }
            let path = folder.path.appending("s")
            let (task, listening, _) = announced(at: path)
            var announcements = listening.makeAsyncIterator()
            #expect(await announcements.next() != nil)
            let before = try RawClient(path)
            for _ in 0..<2 {
                #expect(unlink(path.string) == 0)
                #expect(await announcements.next() != nil)
                #expect(try mode(of: path) == S_IFSOCK | 0o600)
                let client = try RawClient(path)
                #expect(try await client.ask("GET", "/healthz").status == 200)
                try await client.close()
            }
            #expect(try await before.ask("GET", "/healthz").status == 200)
            try await before.close()
            task.cancel()
            try await task.value
            #expect(access(path.string, F_OK) != 0)
        }

        @Test func `a dead socket that is put in the place of the one that listens is replaced`() async throws {
            let folder = try TemporaryFolder()
            let (path, aside) = (folder.path.appending("s"), folder.path.appending("aside"))
            let (task, listening, announce) = announced(at: path)
            var announcements = listening.makeAsyncIterator()
            #expect(await announcements.next() != nil)
            #expect(rename(path.string, aside.string) == 0)
            #expect(await announcements.next() != nil)
            #expect(rename(aside.string, path.string) == 0)
            // Or the wait below would have no end.
            let deadline = Task {
                try await Task.sleep(for: .seconds(10))
                announce.finish()
            }
            #expect(await announcements.next() != nil)
            deadline.cancel()
            let client = try RawClient(path)
            #expect(try await client.ask("GET", "/healthz").status == 200)
            try await client.close()
            task.cancel()
            try await task.value
            try folder.remove()
        }

        @Test func `what somebody else listens on in its place is left alone`() async throws {
            let folder = try TemporaryFolder()
            let path = folder.path.appending("s")
            let log = LogRecorder()
            let task = await start(at: path, log: log)
            #expect(unlink(path.string) == 0)
            let other = try bound(to: path)
            #expect(listen(other, 1) == 0)
            let before = try inode(of: path)
            // Two whole looks.
            try await log.waitForLooks(3)
            #expect(try inode(of: path) == before)
            task.cancel()
            try await task.value
            #expect(try inode(of: path) == before)
            close(other)
            #expect(unlink(path.string) == 0)
            try folder.remove()
        }

        @Test func `where the kernel refuses to listen, the name is free again`() throws {
            let folder = try TemporaryFolder()
            let path = folder.path.appending("s")
            #expect(throws: MountError.self) {
                _ = try ListeningSocket(at: path, backlog: 1) { _, _ in
                    errno = EOPNOTSUPP
                    return -1
                }
            }
            #expect(access(path.string, F_OK) != 0)
            try folder.remove()
        }

        private func inode(of path: FilePath) throws -> ino_t {
            var status = stat()
            if lstat(path.string, &status) < 0 { throw RawClient.Failure(call: "lstat", number: errno) }
            return status.st_ino
        }

        /// A socket that has the name and does not listen.
        private func bound(to path: FilePath) throws -> CInt {
            let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.string.utf8) }
            // SAFETY: sockaddr_un begins as sockaddr does, and its own length is passed.
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result < 0 { throw RawClient.Failure(call: "bind", number: errno) }
            return descriptor
        }

        @Test func `the socket file of a dead daemon is replaced`() async throws {
            let folder = try TemporaryFolder()
            defer { rmdir(folder.path.string) }
            let path = folder.path.appending("s")
            close(try bound(to: path))
            let task = await start(at: path)
            let client = try RawClient(path)
            #expect(try await client.ask("GET", "/healthz").status == 200)
            try await client.close()
            task.cancel()
            try await task.value
        }

        @Test func `what is not a socket is left alone`() async throws {
            let folder = try TemporaryFolder()
            let (file, directory, link) = ("file", "directory", "link")
            let paths = [file, directory, link].map { folder.path.appending($0) }
            close(open(paths[0].string, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
            mkdir(paths[1].string, 0o700)
            symlink("nowhere", paths[2].string)
            for path in paths {
                #expect(await refusal(at: path)?.code == .conflict)
                #expect(try mode(of: path) & S_IFMT != S_IFSOCK)
            }
            unlink(paths[0].string)
            rmdir(paths[1].string)
            unlink(paths[2].string)
            try folder.remove()
        }

        @Test func `a successor's socket is not removed`() async throws {
            let folder = try TemporaryFolder()
            let path = folder.path.appending("s")
            let task = await start(at: path)
            unlink(path.string)
            close(open(path.string, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
            task.cancel()
            try await task.value
            #expect(try mode(of: path) & S_IFMT == S_IFREG)
            unlink(path.string)
            try folder.remove()
        }

        @Test func `a path that cannot be is refused with the reason`() async throws {
            let long = await refusal(at: FilePath("/" + String(repeating: "x", count: 103)))
            #expect(long?.code == .invalidArgument)
            #expect(long?.message.contains("104 bytes long; at most 103") == true)
            #expect(await refusal(at: "relative")?.code == .invalidArgument)
            let missing = await refusal(at: "/nowhere-at-all/s")
            #expect(missing?.code == .unavailable)
            #expect(missing?.context.errno == ENOENT)
        }
    }
}
