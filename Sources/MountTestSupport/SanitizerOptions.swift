// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// What a sanitizer is told by the environment; a program that tests start with an environment of their own must hear
/// it too (scripts/test-under-sanitizer).
public enum SanitizerOptions {
    /// The variables that are set, by name.
    public static let environment = ProcessInfo.processInfo.environment.filter {
        ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains($0.key)
    }

    /// How long a client waits beyond its request's own deadline. Under ThreadSanitizer a daemon that recovers hundreds
    /// of mounts answers late: its threads queue for one lock of the Swift runtime, in code that is not specialized.
    public static let patience = Duration.seconds(environment.keys.contains("TSAN_OPTIONS") ? 120 : 10)
}
