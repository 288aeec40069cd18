// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount

extension MountAttributes {
    /// These, changed as `without nosuid, with ro` says.
    func changed(by difference: String) -> MountAttributes {
        var changed = self
        var isAdding = false
        for word in difference.split(whereSeparator: { $0 == " " || $0 == "," }) {
            switch word {
            case "with": isAdding = true
            case "without": isAdding = false
            default:
                guard let attribute = Self.every.first(where: { $0.description == word }) else { continue }
                if isAdding { changed.insert(attribute) } else { changed.remove(attribute) }
            }
        }
        return changed
    }

    private static let every: [MountAttributes] = [
        .readOnly, .noSetUserID, .noDevices, .noExecute, .noAccessTime, .strictAccessTime, .noDirectoryAccessTime,
        .noSymlinkFollow,
    ]
}
