// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// A line of mountinfo that does not have the form that the kernel writes.
public struct MountInfoError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with a line.
    public enum Reason: String, Hashable, Sendable {
        case missingFields = "fields are missing"
        case missingSeparator = "the separator '-' is missing"
        case badNumber = "a number is none or too large"
        case nulByte = "a path has a NUL byte"
    }

    /// Counted from 1.
    public var line: Int
    /// What is wrong.
    public var reason: Reason

    /// Puts line and reason together.
    public init(line: Int, reason: Reason) {
        self.line = line
        self.reason = reason
    }

    public var description: String { "mountinfo line \(line): \(reason.rawValue)" }
}

/// The parser of `/proc/<pid>/mountinfo` (`man 5 proc`); a pure function of bytes.
public enum MountInfo {
    /// Reads all lines; an empty input has none, and the last line's newline may be missing.
    ///
    /// Fields are divided by single spaces, for a field may be empty (a source of no characters), and octal escapes are
    /// decoded after all dividing, for a value may contain the divider. Optional fields that it does not know are
    /// passed over.
    ///
    /// - Throws: the first line that is malformed.
    public static func parse(_ bytes: some Collection<UInt8>) throws(MountInfoError) -> [MountEntry] {
        var entries: [MountEntry] = []
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            guard !line.isEmpty else { continue }
            do throws(MountInfoError.Reason) {
                entries.append(try entry(line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)))
            } catch {
                throw MountInfoError(line: number, reason: error)
            }
        }
        return entries
    }

    // id parent major:minor root mountpoint options optional… - type source superblock-options
    private static func entry<Field: Collection<UInt8>>(_ fields: [Field]) throws(MountInfoError.Reason) -> MountEntry {
        guard fields.count > 6 else { throw .missingFields }
        guard let separator = fields[6...].firstIndex(where: { $0.elementsEqual("-".utf8) }) else {
            throw .missingSeparator
        }
        let rest = fields[(separator + 1)...]
        guard rest.count >= 3 else { throw .missingFields }
        let id = KernelMountID(rawValue: try decimal(fields[0]))
        let parentID = KernelMountID(rawValue: try decimal(fields[1]))
        let device = fields[2].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard device.count == 2 else { throw .badNumber }
        let root = unescape(fields[3])
        let (rootBytes, isRootDeleted) = FilePath.splittingDeletedMark(root)
        guard let rootPath = FilePath(kernelBytes: rootBytes),
            let mountpoint = FilePath(kernelBytes: unescape(fields[4]))
        else { throw .nulByte }
        // Some filesystems write unescaped spaces into their options: all that is left belongs to them.
        let options = Array(rest.dropFirst(2).joined(separator: " ".utf8))
        return MountEntry(
            id: id, parentID: parentID, mountinfoID: id, mountinfoParentID: parentID,
            mountpoint: mountpoint, root: rootPath, isRootDeleted: isRootDeleted,
            filesystemType: String(decoding: unescape(rest[rest.startIndex]), as: UTF8.self),
            source: KernelText(unescape(rest[rest.startIndex + 1])),
            attributes: attributes(fields[5]), propagation: propagation(fields[6..<separator]),
            isSuperblockReadOnly: options.split(separator: UInt8(ascii: ",")).first?.elementsEqual("ro".utf8) == true,
            superblockOptions: superblockOptions(options),
            device: DeviceNumber(major: try decimal(device[0]), minor: try decimal(device[1])))
    }

    /// A filesystem's options without those that are flags of every superblock, which `statmount` does not name either.
    static func superblockOptions(_ list: some Collection<UInt8>) -> [KernelText] {
        let flags: Set<String> = ["rw", "ro", "sync", "dirsync", "mand", "lazytime"]
        let options = list.split(separator: UInt8(ascii: ",")).map { KernelText(unescape($0)) }
        return Array(options.drop { flags.contains($0.description) })
    }

    private static func attributes(_ field: some Collection<UInt8>) -> MountAttributes {
        var attributes: MountAttributes = []
        var isRelative = false
        for option in field.split(separator: UInt8(ascii: ",")) {
            switch String(decoding: option, as: UTF8.self) {
            case "ro": attributes.insert(.readOnly)
            case "nosuid": attributes.insert(.noSetUserID)
            case "nodev": attributes.insert(.noDevices)
            case "noexec": attributes.insert(.noExecute)
            case "noatime": attributes.insert(.noAccessTime)
            case "relatime": isRelative = true
            case "nodiratime": attributes.insert(.noDirectoryAccessTime)
            case "nosymfollow": attributes.insert(.noSymlinkFollow)
            case "idmapped": attributes.insert(.idMapped)
            default: break
            }
        }
        if !isRelative, !attributes.contains(.noAccessTime) { attributes.insert(.strictAccessTime) }
        return attributes
    }

    private static func propagation(_ fields: some Sequence<some Collection<UInt8>>) -> MountPropagation {
        var isShared = false
        var isSlave = false
        for field in fields {
            if field.elementsEqual("unbindable".utf8) { return .unbindable }
            if field.starts(with: "shared:".utf8) { isShared = true }
            if field.starts(with: "master:".utf8) { isSlave = true }
        }
        return switch (isShared, isSlave) {
        case (true, true): .sharedSlave
        case (true, false): .shared
        case (false, true): .slave
        case (false, false): .private
        }
    }

    private static func decimal<Number: FixedWidthInteger>(
        _ digits: some Collection<UInt8>
    ) throws(MountInfoError.Reason) -> Number {
        // Only digits: the initialiser would also take a sign.
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Number(String(decoding: digits, as: UTF8.self))
        else { throw .badNumber }
        return number
    }

    /// Decodes `\ooo`; a backslash that begins no escape of a byte is taken as it stands.
    static func unescape(_ field: some Collection<UInt8>) -> [UInt8] {
        let bytes = Array(field)
        guard bytes.contains(UInt8(ascii: "\\")) else { return bytes }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count {
                let digits = bytes[(index + 1)...(index + 3)].map { Int($0) - Int(UInt8(ascii: "0")) }
                if digits.allSatisfy({ (0...7).contains($0) }), digits[0] < 4 {
                    decoded.append(UInt8(digits[0] * 64 + digits[1] * 8 + digits[2]))
                    index += 4
                    continue
                }
            }
            decoded.append(bytes[index])
            index += 1
        }
        return decoded
    }
}

extension MountInfoError.Reason: Error {}
