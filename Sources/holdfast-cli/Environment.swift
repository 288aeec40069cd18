// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The process's environment.
enum Environment {
    /// A variable's value; nil where it is unset or empty.
    static func value(of name: String) -> String? {
        // SAFETY: nothing in this process changes the environment; the text is copied at once.
        guard let text = getenv(name) else { return nil }
        let value = String(cString: text)
        return value.isEmpty ? nil : value
    }
}
