// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import MountModel

/// The options of a mount as one text: a JSON array of `["name"]` or `["name","value"]`.
enum StoredOptions {
    /// The text that is stored.
    static func encode(_ options: [MountOption]) throws -> String {
        if options.isEmpty { return "[]" }
        let pairs = options.map { option in option.value.map { [option.name, $0] } ?? [option.name] }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return String(decoding: try encoder.encode(pairs), as: UTF8.self)
    }

    /// The options of a stored text; nil where it is something else.
    static func decode(_ text: String) -> [MountOption]? {
        if text == "[]" { return [] }
        guard let pairs = try? JSONDecoder().decode([[String]].self, from: Data(text.utf8)) else { return nil }
        var options: [MountOption] = []
        for pair in pairs {
            switch pair.count {
            case 1: options.append(MountOption(pair[0]))
            case 2: options.append(MountOption(pair[0], pair[1]))
            default: return nil
            }
        }
        return options
    }
}
