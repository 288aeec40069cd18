// SPDX-License-Identifier: Apache-2.0

/// What is mounted, in canonical form: two requests mean the same mount exactly when their sources are equal.
///
/// Made by `Filesystems`, which knows each type's grammar; the options are sorted and each is named once.
public struct MountSource: Hashable, Sendable, CustomStringConvertible {
    /// The filesystem's type.
    public let type: FilesystemType
    /// Where the filesystem is: an absolute path, or a name for types that need none (tmpfs, overlay).
    public var source: String { exactSource.string }
    private let exactSource: ExactText
    /// All options that were asked for, in canonical form, sorted.
    public let options: [MountOption]
    /// Tells the credentials that came with the request from others, and is never themselves: a digest that only the
    /// process which made it can compare. Nil where none came.
    public let credentialsDigest: String?

    /// Puts canonical parts together; it does not make them canonical.
    public init(type: FilesystemType, source: String, options: [MountOption], credentialsDigest: String? = nil) {
        self.type = type
        exactSource = ExactText(source)
        self.options = options
        self.credentialsDigest = credentialsDigest
    }

    /// Whether only the credentials that came with the requests differ.
    public func differsInCredentialsOnly(from other: MountSource) -> Bool {
        credentialsDigest != other.credentialsDigest
            && MountSource(
                type: type, source: source, options: options, credentialsDigest: other.credentialsDigest) == other
    }

    public var description: String {
        options.isEmpty
            ? "\(type) \(source)" : "\(type) \(source) (\(options.map(\.description).joined(separator: ",")))"
    }
}
