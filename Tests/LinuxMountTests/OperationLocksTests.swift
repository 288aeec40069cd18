// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxMount
import SystemPackage
import Testing

extension RealKernel {
    @Suite struct OperationLocksTests {
        private let lock = OperationLock(rawValue: 5)

        @Test func `a lock is seen by others while it is held, and not by its holder`() throws {
            try HostFolder.alone { folder in
                var mine = try open(folder)
                let other = try open(folder)
                #expect(try !other.isAnyHeld())
                try mine.lock(lock)
                #expect(try other.isHeld(lock))
                #expect(try other.isAnyHeld())
                #expect(try !other.isHeld(OperationLock(rawValue: 4)))
                #expect(try !other.isHeld(OperationLock(rawValue: 6)))
                #expect(try !mine.isHeld(lock))
                try mine.unlock(lock)
                #expect(try !other.isAnyHeld())
            }
        }

        @Test func `a lock goes with the file that holds it`() throws {
            try HostFolder.alone { folder in
                let other = try open(folder)
                func holdForAMoment() throws {
                    var mine = try open(folder)
                    try mine.lock(lock)
                    #expect(try other.isHeld(lock))
                }
                try holdForAMoment()
                #expect(try !other.isAnyHeld())
            }
        }

        @Test func `a lock is taken in the file that is at the path`() throws {
            try HostFolder.alone { folder in
                var mine = try open(folder)
                // Somebody clears the folder; whoever starts then makes the file anew.
                try #require(unlink(folder.appending("locks").string) == 0)
                let other = try open(folder)
                try mine.lock(lock)
                #expect(try other.isHeld(lock))
                try mine.unlock(lock)
                #expect(try !other.isAnyHeld())
            }
        }

        @Test func `every number is one of a lock`() throws {
            try HostFolder.alone { folder in
                var mine = try open(folder)
                let other = try open(folder)
                for number in [0, 1, UInt64.max >> 1, UInt64.max] {
                    let lock = OperationLock(rawValue: number)
                    try mine.lock(lock)
                    #expect(try other.isHeld(lock))
                    #expect(try other.isAnyHeld())
                    try mine.unlock(lock)
                }
            }
        }

        @Test func `a symbolic link is not followed`() throws {
            try HostFolder.alone { folder in
                try #require(symlink("/tmp/x", folder.appending("locks").string) == 0)
                let error = try HostFixture.systemCallError { _ = try open(folder) }
                #expect(error.errno == .tooManySymbolicLinkLevels)
            }
        }

        private func open(_ folder: HostFolder) throws -> OperationLocks {
            try OperationLocks(at: folder.appending("locks"))
        }
    }
}
