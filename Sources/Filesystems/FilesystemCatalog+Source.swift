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
            let canonicalSource = try entry.source.canonical(source)
            let canonicalOptions = try OptionParser(entry: entry).canonical(options, inline: inline)
            return MountSource(type: entry.type, source: canonicalSource, options: canonicalOptions)
        } catch {
            var error = error
            error.context.type = entry.type.rawValue
            if !HostSource.namesPassword(source) { error.context.source = InputText.quoted(source) }
            throw error
        }
    }
}
