// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import MountModel
internal import SystemPackage

extension MountRecipe: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(filesystem.rawValue)
        packet.append(medium)
        packet.append(parameters)
        packet.append(attributes.rawValue)
        packet.append(exclusiveSuperblock)
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        let name: String = try packet.take()
        self.init(
            filesystem: FilesystemType(rawValue: name), medium: try packet.take(), parameters: try packet.take(),
            attributes: RecipeAttributes(rawValue: try packet.take()), exclusiveSuperblock: try packet.take())
    }
}

extension MountRecipe.Medium: PacketValue {
    package func write(to packet: inout PacketWriter) {
        switch self {
        case .none: packet.append(UInt8(0))
        case .device(let path):
            packet.append(UInt8(1))
            packet.append(path)
        case .image(let path, let readOnly):
            packet.append(UInt8(2))
            packet.append(path)
            packet.append(readOnly)
        case .deviceOrImage(let path, let readOnly):
            packet.append(UInt8(3))
            packet.append(path)
            packet.append(readOnly)
        case .folder(let path):
            packet.append(UInt8(4))
            packet.append(path)
        case .helper(let program):
            packet.append(UInt8(5))
            packet.append(program)
        }
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        switch try packet.take(UInt8.self) {
        case 0: self = .none
        case 1: self = .device(try packet.take())
        case 2: self = .image(try packet.take(), readOnly: try packet.take())
        case 3: self = .deviceOrImage(try packet.take(), readOnly: try packet.take())
        case 4: self = .folder(try packet.take())
        case 5: self = .helper(try packet.take())
        default: throw MalformedPacket()
        }
    }
}

extension MountRecipe.Parameter: PacketValue {
    package func write(to packet: inout PacketWriter) {
        switch self {
        case .flag(let name):
            packet.append(UInt8(0))
            packet.append(name)
        case .string(let name, let value):
            packet.append(UInt8(1))
            packet.append(name)
            packet.append(value)
        case .paths(let name, let paths):
            packet.append(UInt8(2))
            packet.append(name)
            packet.append(paths)
        case .file(let name, let path, let isSecret):
            packet.append(UInt8(3))
            packet.append(name)
            packet.append(path)
            packet.append(isSecret)
        case .content(let name, let content, let isSecret):
            packet.append(UInt8(4))
            packet.append(name)
            packet.append(content)
            packet.append(isSecret)
        }
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        switch try packet.take(UInt8.self) {
        case 0: self = .flag(try packet.take())
        case 1: self = .string(try packet.take(), try packet.take())
        case 2: self = .paths(try packet.take(), try packet.take())
        case 3: self = .file(try packet.take(), try packet.take(), isSecret: try packet.take())
        case 4: self = .content(try packet.take(), try packet.take(), isSecret: try packet.take())
        default: throw MalformedPacket()
        }
    }
}

extension HelperProgram: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(name)
        packet.append(words)
        packet.append(style.rawValue)
        packet.append(source)
        packet.append(kernel)
        packet.append(untold)
        packet.append(emptyFolders)
        packet.append(hiddenPrograms)
        packet.append(cache)
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        let (name, words): (String, [String]) = (try packet.take(), try packet.take())
        guard let style = Style(rawValue: try packet.take()) else { throw MalformedPacket() }
        self.init(name: name, words: words, style: style, source: try packet.take(), kernel: try packet.take())
        untold = try packet.take()
        emptyFolders = try packet.take()
        hiddenPrograms = try packet.take()
        cache = try packet.take()
    }
}

extension KernelMount: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(server)
        packet.append(versions)
        packet.append(secret?.rawValue)
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        let (server, versions): (Server?, [String]) = (try packet.take(), try packet.take())
        let form: UInt8? = try packet.take()
        let secret = form.flatMap(SecretForm.init(rawValue:))
        guard (form == nil) == (secret == nil) else { throw MalformedPacket() }
        self.init(server: server, versions: versions, secret: secret)
    }
}

extension KernelMount.Server: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(name)
        packet.append(option)
        packet.append(family.rawValue)
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        let (name, option): (String, String) = (try packet.take(), try packet.take())
        guard let family = KernelMount.Family(rawValue: try packet.take()) else { throw MalformedPacket() }
        self.init(name: name, option: option, family: family)
    }
}

extension HelperFailure: PacketValue {
    package func write(to packet: inout PacketWriter) {
        packet.append(program)
        packet.append(status)
        packet.append(output)
    }

    package init(from packet: inout PacketReader) throws(MalformedPacket) {
        self.init(program: try packet.take(), status: try packet.take(), output: try packet.take())
    }
}
