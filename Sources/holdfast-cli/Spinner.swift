// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A sign of life on a terminal while an answer is awaited; it appears after 300 ms and leaves nothing behind.
final class Spinner: Sendable {
    private let output: TerminalOutput
    private let isShown = Atomic(false)

    init(_ output: TerminalOutput) { self.output = output }

    /// Draws the frame for this moment, if it is time to draw at all.
    func tick(_ elapsed: Duration) {
        guard let frame = Self.frame(at: elapsed) else { return }
        isShown.store(true, ordering: .relaxed)
        write("\r\(frame)\u{1B}[K")
    }

    /// Takes the line away, if there is one.
    func clear() {
        if isShown.exchange(false, ordering: .relaxed) { write("\r\u{1B}[K") }
    }

    /// The line at a moment; nil before the wait is long enough to be noticed.
    static func frame(at elapsed: Duration) -> String? {
        guard elapsed >= .milliseconds(300) else { return nil }
        let frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
        let tenths = Int(elapsed / .milliseconds(100))
        return "\(frames[tenths % frames.count]) waiting for the daemon, \(elapsed.components.seconds) s"
    }

    private func write(_ text: String) {
        do {
            try output.write(text)
        } catch {
            // Only decoration is lost.
        }
    }
}
