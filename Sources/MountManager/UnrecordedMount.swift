// SPDX-License-Identifier: Apache-2.0

public import MountModel
public import SystemPackage

/// A mount right beneath the mount root that no record accounts for, in the kernel's words. It is shown, and never
/// touched.
public struct UnrecordedMount: Hashable, Sendable {
    /// Where it is.
    public var path: FilePath
    /// The kernel's id.
    public var id: MountID
    /// The filesystem's type.
    public var type: String
    /// What was mounted, as the filesystem shows it.
    public var source: String

    /// Puts the parts together.
    public init(path: FilePath, id: MountID, type: String, source: String) {
        self.path = path
        self.id = id
        self.type = type
        self.source = source
    }
}
