// SPDX-License-Identifier: Apache-2.0

public import MountModel

extension FilesystemCatalog {
    /// What a mount of this source may have to wait for, under a name that it shares with all that wait for the same:
    /// a server's, or the path of a device, an image or a folder; nil for what is in memory only.
    public func server(of source: MountSource) -> ExactText? {
        guard let entry = entries.first(where: { $0.type == source.type }) else { return nil }
        let text = source.source
        switch entry.source {
        case .onHost(let user): return (try? HostSource(text, allowsUser: user)).map { ExactText($0.host) }
        case .volume: return (try? HostSource(text, allowsUser: false)).map { ExactText($0.host) }
        case .share: return (try? ShareSource(text)).map { ExactText($0.host) }
        case .monitors: return (try? MonitorSource(text)).map { ExactText($0.monitors.joined(separator: ",")) }
        case .bucket:
            if let address = entry.address(among: source.options) { return ExactText(Self.server(in: address)) }
            return ExactText(String(text.prefix { $0 != ":" } + ":"))
        case .remote: return ExactText(String(text.prefix { $0 != ":" } + ":"))
        case .url, .text: return ExactText(Self.server(in: text))
        case .folder, .deviceOrImage: return ExactText(text)
        // A cluster, or a host's tag; what is in memory has a name of its own.
        case .name: return entry.hasServer ? ExactText("\(entry.type) \(text)") : nil
        }
    }

    /// What is before the first `/`, that of `https://` excepted.
    private static func server(in text: String) -> String {
        let rest = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
        let server = rest.prefix { $0 != "/" }
        return server.isEmpty ? text : String(server)
    }

    /// The types behind which is a server that may be gone, or a process.
    public var typesWithServer: Set<FilesystemType> {
        Set(entries.filter(\.hasServer).map(\.type))
    }
}

extension FilesystemEntry {
    fileprivate var hasServer: Bool {
        if case .helper = construction { true } else { isNetwork }
    }

    /// The address of the server that an option names, or stands for where it is not given.
    fileprivate func address(among options: [MountOption]) -> String? {
        guard let rule = self.options.first(where: { $0.value == .url }) else { return nil }
        return options.first { $0.name == rule.name }?.value ?? rule.kernelDefault
    }
}
