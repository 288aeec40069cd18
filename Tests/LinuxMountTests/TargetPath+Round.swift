// SPDX-License-Identifier: Apache-2.0

import SystemPackage

@testable import LinuxMount

extension TargetPath {
    /// Prepares the folder and removes it; what loses the race with others is done again, but not for ever.
    func prepareAndRemove() throws {
        for _ in 0..<100 {
            do throws(SystemCallError) {
                _ = try prepareFolder()
                try removeFolder()
                return
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
            }
        }
        throw SystemCallError("mkdirat", .noSuchFileOrDirectory, on: path.string)
    }
}
