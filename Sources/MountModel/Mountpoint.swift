// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// Where a mount is attached: an absolute path without `.`, `..` or doubled slashes.
public struct Mountpoint: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The path, as bytes.
    public let path: FilePath

    /// Checks the path as it was written, before anything could tidy it up.
    ///
    /// - Parameter what: what an error calls it.
    /// - Throws: `invalid_argument` for a relative path, `..`, `.`, an empty component, a control character, more than
    ///   4,095 bytes (`PATH_MAX`) or a component of more than 255.
    public init(_ text: String, as what: String = "mountpoint") throws(MountError) {
        try InputText.checkAbsolutePath(text, as: what)
        path = FilePath(text)
    }

    public static func < (left: Mountpoint, right: Mountpoint) -> Bool { left.path.string < right.path.string }

    public var description: String { path.string }
}
