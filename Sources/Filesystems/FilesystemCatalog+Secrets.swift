// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension FilesystemCatalog {
    /// The options of a canonical source whose files come with the request.
    public func inlineOptions(of source: MountSource) -> Set<String> {
        guard let entry = entries.first(where: { $0.type == source.type }) else { return [] }
        return Set(source.options.filter(entry.isInline).map(\.name))
    }
}

extension FilesystemEntry {
    /// What stands for the file of an option that comes with the request; no absolute path is like it.
    static let inlineValue = "inline"

    /// Whether the option's file comes with the request.
    func isInline(_ option: MountOption) -> Bool {
        option.value == Self.inlineValue && rules[option.name]?.mayBeInline == true
    }

    /// Checks what comes for an option's file.
    ///
    /// - Throws: `invalid_argument`, which says what is wrong with it and shows nothing of it.
    func check(_ secret: Secret, for option: String) throws(MountError) {
        if secret.content.isEmpty { throw .invalidArgument("the secret for option '\(option)' is empty") }
        if secret.content.count > Secret.maximumLength {
            throw .invalidArgument(
                "the secret for option '\(option)' is \(secret.content.count) bytes long; at most "
                    + "\(Secret.maximumLength) are allowed")
        }
        if secret.content.contains(0) {
            throw .invalidArgument("the secret for option '\(option)' has a NUL byte")
        }
    }
}

extension OptionRule {
    /// Whether the option's file may come with a request.
    var mayBeInline: Bool { value == .file(isSecret: true) && !isConfiguration }
}
