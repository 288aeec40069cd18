// SPDX-License-Identifier: Apache-2.0

import MountModel

/// What a type's source string is.
public enum SourceGrammar: Hashable, Sendable {
    /// A name of the caller's choice: letters, digits and `._:@+-`, beginning with a letter, a digit or `_`.
    case name
    /// The absolute path of a folder; one trailing slash is forgiven.
    case folder
    /// The absolute path of a block device or of an image file.
    case deviceOrImage
    /// A folder on a host: `host:/folder`, `[2001:db8::1]:/folder`; with `user@` before it where the type has users.
    case onHost(user: Bool)
    /// A volume on a host, and a folder there: `host:/volume/folder`.
    case volume
    /// A share of a host: `//server/share`, `//server/share/folder`.
    case share
    /// A bucket of an object store, and a folder there: `bucket`, `bucket:/folder`.
    case bucket
    /// The address of a folder on a web server: `https://host/folder`.
    case url
    /// A folder that Ceph's monitors know: `monitor,monitor:/folder`, each with or without `:port`.
    case monitors
    /// Any text without spaces, commas and backslashes that does not begin with a hyphen.
    case text
    /// A remote by the name that a configuration file gives it, and a folder there: `name:folder`.
    case remote

    /// At most this many bytes of a name: `fsconfig` takes no more.
    static let maximumNameLength = 255

    /// What the source must be, for a person.
    public var expectation: String {
        switch self {
        case .name: "a name: letters, digits and ._:@+-, beginning with a letter, a digit or _; at most 255 bytes"
        case .folder: "the absolute path of a folder"
        case .onHost(let user):
            (user ? "user@host:/folder, the user may be left out" : "host:/folder") + "; [address] for IPv6"
        case .volume: "host:/volume, or host:/volume/folder; [address] for IPv6"
        case .share: "//server/share, or //server/share/folder; [address] for IPv6"
        case .bucket: "bucket, or bucket:/folder"
        case .url: "https://host/folder, or http"
        case .monitors: "monitor,monitor:/folder, each monitor with or without :port; [address] for IPv6"
        case .text: "a text without spaces, commas and backslashes that does not begin with '-'"
        case .remote: "name:folder, a remote of the configuration file and a folder there"
        case .deviceOrImage: "the absolute path of a block device or an image file"
        }
    }

    /// The one spelling of a source.
    ///
    /// - Throws: `invalid_argument`, which says what is wrong.
    func canonical(_ text: String) throws(MountError) -> String {
        switch self {
        case .name:
            try InputText.check(text, as: "source", maximumLength: Self.maximumNameLength)
            guard let first = text.utf8.first, Self.isAlphanumeric(first) || first == UInt8(ascii: "_"),
                text.utf8.allSatisfy({ Self.isAlphanumeric($0) || "._:@+-".utf8.contains($0) })
            else {
                throw .invalidArgument(
                    "the source '\(InputText.quoted(text))' is no name",
                    hint: "use letters, digits and ._:@+-, beginning with a letter, a digit or _")
            }
            return text
        case .folder:
            let path = OptionValue.withoutTrailingSlash(text)
            try InputText.checkAbsolutePath(path, as: "source")
            return path
        case .onHost(let user): return try HostSource(text, allowsUser: user).description
        case .volume:
            let source = try HostSource(text, allowsUser: false)
            if source.folder == "/" {
                throw .invalidArgument("the source '\(InputText.quoted(text))' names no volume")
            }
            return source.description
        case .share: return try ShareSource(text).description
        case .bucket: return try Self.bucket(text)
        case .url: return try WebAddress(text, as: "source").description
        case .monitors: return try MonitorSource(text).description
        case .text: return try Self.text(text)
        case .remote: return try Self.remote(text)
        case .deviceOrImage:
            try Self.refuseTag(text)
            try InputText.checkAbsolutePath(text, as: "source")
            if text.utf8.count == 1 {
                throw .invalidArgument(
                    "the source '/' is a folder", hint: "name a block device or an image file, or use the type 'bind'")
            }
            return text
        }
    }

    /// `LABEL=x` is read by mount(8), with a search over all devices that anybody's label could win.
    private static func refuseTag(_ text: String) throws(MountError) {
        for (tag, folder) in [
            ("UUID", "by-uuid"), ("LABEL", "by-label"), ("PARTUUID", "by-partuuid"), ("PARTLABEL", "by-partlabel"),
        ] where text.utf8.starts(with: "\(tag)=".utf8) {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' is a tag, not a path",
                hint: "name the device, for instance the one that /dev/disk/\(folder)/ points to")
        }
    }

    /// Lower-case letters, digits, dots and hyphens, as object stores have it; older ones had capitals and underscores.
    private static func bucket(_ text: String) throws(MountError) -> String {
        try InputText.check(text, as: "source", maximumLength: InputText.maximumPathLength)
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, let first = name.first, isAlphanumeric(first), (3...255).contains(name.count),
            name.allSatisfy({ isAlphanumeric($0) || "._-".utf8.contains($0) })
        else {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' is no bucket",
                hint: "write bucket or bucket:/folder; a bucket has 3 to 255 letters, digits, '.', '-' and '_'")
        }
        let folder =
            parts.count == 1 ? "/" : OptionValue.withoutTrailingSlash(String(decoding: parts[1], as: UTF8.self))
        try InputText.checkAbsolutePath(folder, as: "folder of the source")
        let bucket = String(decoding: name, as: UTF8.self)
        return folder == "/" ? bucket : "\(bucket):\(folder)"
    }

    private static func text(_ text: String) throws(MountError) -> String {
        try InputText.check(text, as: "source", maximumLength: InputText.maximumPathLength)
        guard text.utf8.first != UInt8(ascii: "-"), !text.utf8.contains(where: { " ,\\".utf8.contains($0) }) else {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' has a space, a comma or a backslash, or begins with '-'")
        }
        return text
    }

    private static func remote(_ text: String) throws(MountError) -> String {
        try InputText.check(text, as: "source", maximumLength: InputText.maximumPathLength)
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw .invalidArgument("the source '\(InputText.quoted(text))' names no remote", hint: "write name:folder")
        }
        let name = text.utf8[..<colon]
        guard let first = name.first, isAlphanumeric(first),
            name.allSatisfy({ isAlphanumeric($0) || "._-".utf8.contains($0) })
        else {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' names no remote",
                hint: "a remote's name has letters, digits and ._-, and begins with a letter or a digit")
        }
        // `nas:/` is the server's root, `nas:` the folder where its login begins.
        if text.utf8[colon...].elementsEqual(":/".utf8) { return text }
        let source = OptionValue.withoutTrailingSlash(text)
        let folder = String(decoding: source.utf8[colon...].dropFirst(), as: UTF8.self)
        if !folder.isEmpty {
            try InputText.checkAbsolutePath(
                folder.utf8.first == UInt8(ascii: "/") ? folder : "/" + folder, as: "folder of the source")
        }
        return source
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
