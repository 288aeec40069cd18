// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension FilesystemCatalog {
    /// What a mount of this source may have to wait for, under a name that it shares with all that wait for the same:
    /// a server's, or the path of a device, an image or a folder; nil for what is in memory only.
    public func server(of source: MountSource) -> ExactText? {
        guard let grammar = entries.first(where: { $0.type == source.type })?.source else { return nil }
        let text = source.source
        switch grammar {
        case .onHost(let user): return (try? HostSource(text, allowsUser: user)).map { ExactText($0.host) }
        case .volume: return (try? HostSource(text, allowsUser: false)).map { ExactText($0.host) }
        case .share: return (try? ShareSource(text)).map { ExactText($0.host) }
        case .monitors: return (try? MonitorSource(text)).map { ExactText($0.monitors.joined(separator: ",")) }
        case .bucket, .remote: return ExactText(String(text.prefix { $0 != ":" } + ":"))
        case .url:
            // `https://server/folder`
            let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
            return parts.count > 2 ? ExactText(String(parts[2])) : nil
        case .folder, .deviceOrImage, .text: return ExactText(text)
        case .name: return nil
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
