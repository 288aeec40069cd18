// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension FilesystemEntry {
    /// The canonical form of a source of this type.
    ///
    /// - Throws: `invalid_argument`, which says what is wrong with it.
    public func canonicalSource(_ text: String) throws(MountError) -> String { try source.canonical(text) }
}
