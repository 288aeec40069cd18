// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Where a command says what went wrong.
enum StandardError {
    static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
