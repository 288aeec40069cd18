// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// A folder of a test's own, with mode 0700.
enum TemporaryFolder {
    /// Removed afterwards, whatever happens.
    static func with(_ body: (FilePath) async throws -> Void) async throws {
        var template = Array("/tmp/holdfast-manager-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        let path = FilePath(platformString: template)
        let result: Result<Void, any Error>
        do { result = .success(try await body(path)) } catch { result = .failure(error) }
        try FileManager.default.removeItem(atPath: path.string)
        try result.get()
    }
}
