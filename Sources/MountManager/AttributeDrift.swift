// SPDX-License-Identifier: Apache-2.0

package import LinuxMount

/// In what a mount's attributes differ from those that it was given.
package struct AttributeDrift: Hashable, Sendable, CustomStringConvertible {
    /// It was given them, and has them no longer.
    package let missing: MountAttributes
    /// It has them, and was not given them.
    package let added: MountAttributes

    /// Compares; nil where there is no difference.
    ///
    /// - Parameter inherits: whether it may have more than it was given: a bind has what the bound mount had.
    package init?(wanted: MountAttributes, found: MountAttributes, inherits: Bool) {
        missing = wanted.subtracting(found)
        added = inherits ? [] : found.subtracting(wanted)
        if missing.isEmpty && added.isEmpty { return nil }
    }

    /// As it is said of a mount: `without nosuid,nodev, with ro`.
    package var description: String {
        var texts: [String] = []
        if !missing.isEmpty { texts.append("without \(missing)") }
        if !added.isEmpty { texts.append("with \(added)") }
        return texts.joined(separator: ", ")
    }
}
