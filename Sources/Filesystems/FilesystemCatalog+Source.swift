// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension FilesystemCatalog {
    /// The canonical form of what a caller asks for: equal meaning gives equal sources.
    ///
    /// - Parameters:
    ///   - type: the filesystem's type.
    ///   - source: where it is, by the type's source grammar.
    ///   - options: one option each, `name` or `name=value`, split at the first `=`; commas separate nothing.
    ///   - secrets: what is in the files of options that are not among them, for this request alone; each is
    ///     `name=inline` in the canonical form.
    /// - Throws: `invalid_argument`, which names what is wrong and the nearest right one.
    public func source(
        type: FilesystemType, source: String, options: [String], secrets: [String: Secret] = [:]
    ) throws(MountError) -> MountSource {
        let canonical = try self.source(type: type, source: source, options: options, inline: secrets.keys.sorted())
        for (name, secret) in secrets { try entry(type).check(secret, for: name) }
        return canonical
    }

    func source(
        type: FilesystemType, source: String, options: [String], inline: [String]
    ) throws(MountError) -> MountSource {
        let entry = try entry(type)
        do throws(MountError) {
            let canonicalSource = try canonical(source, by: entry.source)
            let canonicalOptions = try OptionParser(entry: entry).canonical(options, inline: inline)
            return MountSource(type: entry.type, source: canonicalSource, options: canonicalOptions)
        } catch {
            var error = error
            error.context.type = entry.type.rawValue
            if !HostSource.namesPassword(source) { error.context.source = InputText.quoted(source) }
            throw error
        }
    }

    private func canonical(_ source: String, by grammar: SourceGrammar) throws(MountError) -> String {
        // Anything is one of these; of the others, what they take has none.
        if grammar == .text { try Self.checkHasNoPassword(source) }
        do throws(MountError) {
            return try grammar.canonical(source)
        } catch {
            // The error quotes it.
            try Self.checkHasNoPassword(source)
            throw error
        }
    }

    /// To be asked before anything quotes a source: the password would be in the answer and in the log.
    ///
    /// - Throws: `invalid_argument` for `user:password@host` and the like.
    public static func checkHasNoPassword(_ source: String) throws(MountError) {
        guard HostSource.namesPassword(source) else { return }
        throw .invalidArgument(
            "the source has a password, or a ':' where none may be",
            hint: "a source is no secret: leave the password out, and give the credential as an option of the type")
    }
}
