// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// A filesystem that is being configured, before there is anything to mount (`man 2 fsopen`, 5.2).
///
/// Each option is one call with its key and its value apart, so there is no string that a value could break out of.
/// After the first failure every later call throws that failure again: the kernel would create the filesystem without
/// the refused option.
public struct FilesystemContext: ~Copyable, Sendable {
    /// The filesystem type as the kernel names it.
    public let type: String
    private let descriptor: OwnedDescriptor
    private var source: String?
    private var failure: SystemCallError?

    /// Opens a context for a filesystem type. May load a kernel module.
    ///
    /// - Throws: the kernel's refusal; a type that it does not know is ENODEV with a line that says so.
    public init(type: String) throws(SystemCallError) {
        guard !type.utf8.contains(0) else { throw SystemCallError("fsopen", .invalidArgument, on: "a type with NUL") }
        let opened = KernelCall.openContext.made { hf_fsopen(type) }
        guard opened >= 0 else {
            let errno = Errno(rawValue: -opened)
            let unknown = errno == .operationNotSupportedByDevice ? ["unknown filesystem type '\(type)'"] : []
            throw SystemCallError("fsopen", errno, on: type, kernelMessages: unknown)
        }
        self.type = type
        descriptor = OwnedDescriptor(owning: opened)
    }

    /// Opens a context for changing the filesystem of an open mount (`man 2 fspick`, 5.2). Does not block.
    ///
    /// - Throws: the kernel's refusal.
    init(of mount: borrowing OwnedDescriptor, type: String, on path: FilePath) throws(SystemCallError) {
        let picked = hf_fspick(mount.rawValue)
        try SystemCallError.check(picked, "fspick", on: path.string)
        self.type = type
        descriptor = OwnedDescriptor(owning: picked)
    }

    /// Changes the filesystem to what was set. May wait for a server or a device.
    ///
    /// - Throws: the kernel's refusal with its messages, those of its log included when they name the type.
    mutating func reconfigure() throws(SystemCallError) {
        if let failure { throw failure }
        let log = KernelLog()
        let number = descriptor.rawValue
        let answer = KernelCall.reconfigure.made {
            hf_fsconfig(number, UInt32(HF_FSCONFIG_CMD_RECONFIGURE), nil, nil, 0)
        }
        if answer < 0 { throw fail(answer, on: type, log.lines(mentioning: [type])) }
    }

    /// Sets an option that has no value. Does not block.
    ///
    /// - Throws: the kernel's refusal with its messages.
    public mutating func setFlag(_ name: String) throws(SystemCallError) {
        try configure(HF_FSCONFIG_SET_FLAG, name, nil, 0)
    }

    /// Sets an option to a value; the source is the option `source`. Does not block.
    ///
    /// - Throws: the kernel's refusal with its messages. The value is not part of the error.
    public mutating func setString(_ name: String, _ value: String) throws(SystemCallError) {
        try configure(HF_FSCONFIG_SET_STRING, name, value, 0)
        if name == "source" { source = value }
    }

    /// Sets an option to an open descriptor. Does not block.
    ///
    /// - Throws: the kernel's refusal with its messages.
    public mutating func setDescriptor(
        _ name: String, _ value: borrowing OwnedDescriptor
    ) throws(SystemCallError) {
        try configure(HF_FSCONFIG_SET_FD, name, nil, value.rawValue)
    }

    /// Makes the filesystem. May wait for a server or a device.
    ///
    /// - Parameter exclusive: refuse a superblock that exists already (EBUSY), where the kernel can tell (6.6, and not
    ///   for types that still use the old interface).
    /// - Returns: whether the superblock is certainly new.
    /// - Throws: the kernel's refusal with its messages, those of its log included when they name the type or the
    ///   source.
    @discardableResult
    public mutating func create(exclusive: Bool = false) throws(SystemCallError) -> Bool {
        if let failure { throw failure }
        let log = KernelLog()
        var answer = -Errno.notSupported.rawValue
        if exclusive {
            answer = make(HF_FSCONFIG_CMD_CREATE_EXCL)
            if answer == 0 { return true }
        }
        if answer == -Errno.notSupported.rawValue {
            let shared = make(HF_FSCONFIG_CMD_CREATE)
            if shared == 0 { return false }
            // EBUSY here says that the first command failed inside the filesystem: its errno is the cause.
            if !(exclusive && shared == -Errno.resourceBusy.rawValue) { answer = shared }
        }
        throw fail(answer, on: source ?? type, log.lines(mentioning: [type] + deviceNames))
    }

    /// Makes a mount of the created filesystem that nobody can see yet (`man 2 fsmount`).
    ///
    /// - Throws: the kernel's refusal with its messages.
    public mutating func mount(attributes: MountAttributes) throws(SystemCallError) -> DetachedMount {
        if let failure { throw failure }
        let number = descriptor.rawValue
        let mounted = KernelCall.makeMount.made { hf_fsmount(number, UInt32(truncatingIfNeeded: attributes.rawValue)) }
        guard mounted >= 0 else { throw fail(mounted, "fsmount", on: source ?? type, []) }
        return try DetachedMount(receiving: OwnedDescriptor(owning: mounted))
    }

    private func make(_ command: CInt) -> CInt {
        let number = descriptor.rawValue
        return KernelCall.createFilesystem.made { hf_fsconfig(number, UInt32(command), nil, nil, 0) }
    }

    /// The source as filesystems name it in the log: `/dev/loop0` is `loop0` there.
    private var deviceNames: [String] {
        guard let source, source.hasPrefix("/") else { return [] }
        return [source, FilePath(source).lastComponent?.string ?? ""]
    }

    private mutating func configure(
        _ command: CInt, _ name: String, _ value: String?, _ auxiliary: CInt
    ) throws(SystemCallError) {
        if let failure { throw failure }
        // The kernel would read up to the NUL and set something else than was asked.
        guard !name.utf8.contains(0), value?.utf8.contains(0) != true else {
            let error = SystemCallError("fsconfig", .invalidArgument, on: "an option with NUL")
            failure = error
            throw error
        }
        let answer: CInt
        if let value {
            answer = hf_fsconfig(descriptor.rawValue, UInt32(command), name, value, auxiliary)
        } else {
            answer = hf_fsconfig(descriptor.rawValue, UInt32(command), name, nil, auxiliary)
        }
        guard answer < 0 else { return }
        throw fail(answer, on: name, [])
    }

    private mutating func fail(
        _ answer: CInt, _ call: String = "fsconfig", on subject: String, _ logged: [String]
    ) -> SystemCallError {
        var messages = readMessages()
        messages += logged.filter { line in !messages.contains { line.contains($0) } }
        let error = SystemCallError(call, Errno(rawValue: -answer), on: subject, kernelMessages: messages)
        failure = error
        return error
    }

    /// What the kernel has written to the context, one message a read until ENODATA.
    private func readMessages() -> [String] {
        var messages: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while messages.count < 64 {
            let count = hf_read(descriptor.rawValue, &buffer, buffer.count)
            guard count > 0 else { break }
            var text = String(decoding: buffer[..<count], as: UTF8.self)
            while text.last == "\n" { text.removeLast() }
            // "e " error, "w " warning, "i " information.
            if text.dropFirst().first == " ", let level = text.first, "ewi".contains(level) { text.removeFirst(2) }
            messages.append(text)
        }
        return messages
    }
}
