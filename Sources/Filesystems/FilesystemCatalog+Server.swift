// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension FilesystemCatalog {
    /// What a mount of this source may have to wait for, under a name that it shares with all that wait for the same:
    /// a server's, or the path of a device, an image or a folder; nil for what is in memory only.
    public func server(of source: MountSource) -> ExactText? {
        guard let grammar = entries.first(where: { $0.type == source.type })?.source else { return nil }
        let text = source.source
        switch grammar {
        case .onHost(let user):
            guard let host = try? HostSource(text, allowsUser: user).host else { return nil }
            return ExactText(host)
        case .remote: return ExactText(String(text.prefix { $0 != ":" } + ":"))
        case .name: return nil
        // A server's share, `//server/share`, or a path.
        default:
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            if parts.count > 3, parts[0].isEmpty, parts[1].isEmpty { return ExactText(String(parts[2]).lowercased()) }
            return text.hasPrefix("/") ? ExactText(text) : nil
        }
    }

    /// The types behind which is a server that may be gone, or a process.
    public var typesWithServer: Set<FilesystemType> {
        Set(
            entries.filter { entry in
                if case .helper = entry.construction { true } else { entry.isNetwork }
            }.map(\.type))
    }
}
