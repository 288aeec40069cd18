// SPDX-License-Identifier: Apache-2.0

/// The types that the kernel can mount by itself where no program is installed for them.
public enum KernelForm: Hashable, Sendable {
    case nfs
    case cifs
    case ceph

    /// The source as program and kernel take it.
    func plainSource(_ source: String) -> String {
        switch self {
        case .nfs, .ceph: return source
        case .cifs:
            // mount.cifs knows no brackets (tried: 7.0).
            guard let share = try? ShareSource(source) else { return source }
            return "//\(HostSource.bare(share.host))/\(share.share)\(share.folder)"
        }
    }

    /// What the kernel is told of this source; nil where it needs the program.
    func mount(of source: String, _ given: GivenOptions) -> KernelMount? {
        switch self {
        case .nfs: return Self.nfs(source, given)
        case .ceph: return KernelMount(secret: .key)
        case .cifs:
            guard let share = try? ShareSource(source) else { return nil }
            return KernelMount(
                server: KernelMount.Server(name: HostSource.bare(share.host), option: "ip"), secret: .login)
        }
    }

    private static func nfs(_ source: String, _ given: GivenOptions) -> KernelMount? {
        let version = given.value(of: "vers")
        // Its server has to be asked for the port and the file handle by protocols of their own.
        guard version != "3", let host = try? HostSource(source, allowsUser: false).host else { return nil }
        let family: KernelMount.Family =
            switch given.value(of: "proto") {
            case "tcp": .ipv4
            case "tcp6", "rdma6": .ipv6
            default: .any
            }
        return KernelMount(
            server: KernelMount.Server(name: HostSource.bare(host), option: "addr", family: family),
            versions: version == FilesystemEntry.anyVersion ? ["4.2", "4.1", "4.0"] : [])
    }
}
