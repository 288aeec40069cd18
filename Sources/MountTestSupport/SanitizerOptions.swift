// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// What a sanitizer is told by the environment; a program that tests start with an environment of their own must hear
/// it too (scripts/test-under-sanitizer).
public enum SanitizerOptions {
    /// The variables that are set, by name.
    public static let environment = ProcessInfo.processInfo.environment.filter {
        ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains($0.key)
    }
}
