// SPDX-License-Identifier: Apache-2.0

/// An option that people know from mount(8) and that Holdfast refuses, with the reason.
public struct RefusedOption: Hashable, Sendable {
    /// The option's name, or what it begins with.
    public let name: String
    /// Whether all names that begin so are refused.
    public let isPrefix: Bool
    /// Why, as the end of the sentence "… is refused: ".
    public let reason: String

    /// Puts the parts together.
    public init(_ name: String, isPrefix: Bool = false, _ reason: String) {
        self.name = name
        self.isPrefix = isPrefix
        self.reason = reason
    }

    /// Whether it is about the option of this name.
    func matches(_ option: String) -> Bool {
        isPrefix ? option.utf8.starts(with: name.utf8) : option.utf8.elementsEqual(name.utf8)
    }

    /// What is refused for every type that does not allow it by name.
    static let forAllTypes: [RefusedOption] = {
        let privilege = "every mount is nosuid and nodev"
        let table = "it belongs into fstab; Holdfast mounts for as long as somebody is attached"
        let label = "security labels are the administrator's, and a caller could hide or expose files with them"
        let propagation = "the propagation of a mount is Holdfast's affair"
        let window = "make a loop device with the window, and attach that"
        let operation = "it names an operation, not a property of the mount"
        return [
            RefusedOption("suid", privilege), RefusedOption("dev", privilege),
            RefusedOption("context", label), RefusedOption("fscontext", label), RefusedOption("defcontext", label),
            RefusedOption("rootcontext", label), RefusedOption("seclabel", label),
            RefusedOption("x-", isPrefix: true, "it is meant for programs other than the kernel"),
            RefusedOption("X-", isPrefix: true, "it is meant for programs other than the kernel"),
            RefusedOption("auto", table), RefusedOption("noauto", table), RefusedOption("nofail", table),
            RefusedOption("_netdev", table), RefusedOption("comment", table), RefusedOption("user", table),
            RefusedOption("nouser", table), RefusedOption("users", table), RefusedOption("owner", table),
            RefusedOption("group", table),
            RefusedOption("loop", "an image file is found out by itself, and a loop device made for it"),
            RefusedOption("offset", window), RefusedOption("sizelimit", window),
            RefusedOption("helper", "Holdfast chooses how a mount is made and unmade"),
            RefusedOption("uhelper", "Holdfast chooses how a mount is made and unmade"),
            RefusedOption("remount", operation), RefusedOption("move", operation),
            RefusedOption("bind", "it is a type of its own here: 'bind'"),
            RefusedOption("rbind", "submounts are not carried along; attach them by themselves with the type 'bind'"),
            RefusedOption("shared", propagation), RefusedOption("private", propagation),
            RefusedOption("slave", propagation), RefusedOption("unbindable", propagation),
            RefusedOption("mand", "mandatory locks left the kernel with 5.15"),
        ]
    }()
}
