// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// The addresses of hosts, for mounts of which the kernel is told no name.
public enum HostAddresses {
    /// A kind of address.
    public enum Family: CInt, Sendable {
        case any = 0
        case ipv4 = 4
        case ipv6 = 6
    }

    /// As many of one host's as are tried.
    private static let limit = 8

    /// The addresses of a host as text, in the resolver's order (`man 3 getaddrinfo`); an address is its own. Blocks as
    /// long as the resolver does.
    ///
    /// - Throws: EHOSTUNREACH with the resolver's words for a name without one.
    public static func find(_ host: String, _ family: Family = .any) throws(SystemCallError) -> [String] {
        var texts = [CChar](repeating: 0, count: limit * Int(HF_ADDRESS_SIZE))
        var words: UnsafePointer<CChar>?
        let count = hf_resolve(host, family.rawValue, &texts, limit, &words)
        guard count > 0 else {
            // SAFETY: gai_strerror's texts are constants.
            let said = words.map { [String(cString: $0)] } ?? []
            let errno = count < 0 ? Errno(rawValue: CInt(-count)) : Errno.noRouteToHost
            throw SystemCallError("getaddrinfo", errno, on: host, kernelMessages: said)
        }
        return (0..<count).map { index in
            let text = texts[(index * Int(HF_ADDRESS_SIZE))...].prefix { $0 != 0 }
            return String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
