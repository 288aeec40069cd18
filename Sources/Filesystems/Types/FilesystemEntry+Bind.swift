// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// A folder, seen a second time (`man 2 open_tree`).
    static let bind = FilesystemEntry(
        type: FilesystemType(rawValue: "bind"),
        summary: "A folder of a mounted filesystem, without what is mounted beneath it.",
        source: .folder, construction: .clone, options: CommonOptions.all)
}
