// SPDX-License-Identifier: Apache-2.0

/// Something that the load attaches to.
struct LoadSource: Sendable {
    /// The filesystem's type, and what is mounted.
    let type: String
    let source: String
    var options: [String] = []
    /// The mountpoint, where the daemon is not to choose it.
    var at: String?
    /// The image file behind it.
    var image: String?
    /// Whether what is written outlives the mount.
    var isLasting = true
    var isWritable = true
    /// Whether outsiders mount over it, unmount and remount it.
    var isDisturbed = false
    /// Whether an attach must fail.
    var isBroken = false
    /// Whether somebody else makes the mountpoint's folder first, in his own name.
    var isFolderMadeBefore = false
    /// How many of the clients use it: who is alone has his mount come and go.
    var users = 2

    /// What the daemon shows of it.
    func matches(type: String, source: String, mountpoint: String) -> Bool {
        self.type == type && self.source == source && (at == nil || at == mountpoint)
    }
}

/// One attachment, as the load names it.
struct LoadKey: Hashable, Sendable, CustomStringConvertible {
    /// The number of the source.
    let source: Int
    let consumer: String
    let volume: String

    var description: String { "\(consumer)/\(volume) on source \(source)" }
}
