// SPDX-License-Identifier: Apache-2.0

/// How the kernel mounts by itself what a program mounts where one is installed: what the program finds out and tells
/// the kernel besides the recipe's parameters.
public struct KernelMount: Hashable, Sendable {
    /// The server whose address the kernel is told; nil where the parameters have it.
    public var server: Server?
    /// The versions of the protocol to be asked for (`vers`), in this order, the next one where a server does not speak
    /// one; empty where the parameters say which.
    public var versions: [String]
    /// How the kernel is told what is in the recipe's secret files; nil where there are none.
    public var secret: SecretForm?

    /// Puts the parts together.
    public init(server: Server? = nil, versions: [String] = [], secret: SecretForm? = nil) {
        self.server = server
        self.versions = versions
        self.secret = secret
    }

    /// A server by its name.
    public struct Server: Hashable, Sendable {
        /// A name or an address; an IPv6 address without brackets.
        public var name: String
        /// The option that is its address.
        public var option: String
        /// Which of its addresses will do.
        public var family: Family

        /// Puts the parts together.
        public init(name: String, option: String, family: Family = .any) {
            self.name = name
            self.option = option
            self.family = family
        }
    }

    /// A kind of address.
    public enum Family: UInt8, Hashable, Sendable { case any, ipv4, ipv6 }
}

/// What is in a file of credentials, for the kernel, which reads no files.
public enum SecretForm: UInt8, Hashable, Sendable {
    /// Lines `username=…`, `password=…`, `domain=…` (`man 8 mount.cifs`, "credentials").
    case login
    /// A key in base64, alone or in a keyring's line `key = …` (`man 8 ceph-authtool`); the option is `secret`.
    case key

    /// The kernel's parameters; nil for a content that is none of the kind.
    public func parameters(from content: [UInt8]) -> [(name: String, value: String)]? {
        guard let text = String(validating: content, as: UTF8.self) else { return nil }
        let lines = text.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " || $0 == "\t" } }
        switch self {
        case .login: return Self.login(lines)
        case .key: return Self.key(lines).map { [("secret", $0)] }
        }
    }

    private static func login(_ lines: [Substring]) -> [(name: String, value: String)]? {
        let names = [
            "username": "username", "user": "username", "password": "password", "pass": "password",
            "domain": "domain", "dom": "domain", "workgroup": "domain",
        ]
        var found: [String: String] = [:]
        for line in lines {
            guard let equals = line.firstIndex(of: "="), let name = names[String(line[..<equals])] else { continue }
            found[name] = String(line[line.index(after: equals)...])
        }
        guard found["username"] != nil else { return nil }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func key(_ lines: [Substring]) -> String? {
        let words = lines.map { $0.split { $0 == " " || $0 == "\t" || $0 == "=" } }
        let inKeyring = words.first { $0.count == 2 && $0[0] == "key" }
        guard let key = inKeyring?[1] ?? (words.count == 1 && words[0].count == 1 ? words[0][0] : nil),
            key.utf8.allSatisfy({ SourceGrammar.isAlphanumeric($0) || $0 == UInt8(ascii: "+") || $0 == 0x2F })
        else { return nil }
        // Base64 is filled up with "=".
        return String(key) + String(repeating: "=", count: (4 - key.utf8.count % 4) % 4)
    }
}
