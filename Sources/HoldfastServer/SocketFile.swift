// SPDX-License-Identifier: Apache-2.0

import Glibc
import MountModel
import NIOPosix
import SystemPackage

/// A name in a folder and the inode it stood for when it was looked at.
struct SocketFile: Sendable {
    let path: FilePath
    let isSocket: Bool
    let permissions: mode_t
    private let device: dev_t
    private let inode: ino_t

    /// Looks at the name itself, following no symbolic link (`man 2 lstat`); nil where there is nothing.
    init?(at path: FilePath) throws(MountError) {
        var status = stat()
        if lstat(path.string, &status) < 0 {
            if errno == ENOENT { return nil }
            throw ListeningSocket.failure("lstat", path)
        }
        self.path = path
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
        permissions = status.st_mode & 0o7777
        device = status.st_dev
        inode = status.st_ino
    }

    /// Whether both are the same inode.
    func isSame(as other: SocketFile) -> Bool { device == other.device && inode == other.inode }

    /// Removes the name if it still stands for the same inode: a successor's socket is left alone.
    ///
    /// - Throws: `unavailable` for what the kernel refuses.
    func remove() async throws(MountError) {
        try await Self.onThread { () throws(MountError) in
            guard let now = try SocketFile(at: path), now.isSame(as: self) else { return }
            if unlink(path.string) < 0, errno != ENOENT { throw ListeningSocket.failure("unlink", path) }
        }
    }

    /// Does what a filesystem that hangs keeps from ending, to its end, even if the task is cancelled.
    static func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws(MountError) -> Value
    ) async throws(MountError) -> Value {
        let result = await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { _ in
                let result: Result<Value, MountError>
                do throws(MountError) { result = .success(try body()) } catch { result = .failure(error) }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}
