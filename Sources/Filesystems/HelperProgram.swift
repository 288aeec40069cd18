// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// A program that mounts a filesystem which the kernel cannot mount by itself, and how it is told what to mount.
public struct HelperProgram: Hashable, Sendable {
    /// Its file's name; it is looked for in the folders of the system's programs only.
    public var name: String
    /// What it is told before anything else, the same for every mount.
    public var words: [String]
    /// How it takes options.
    public var style: Style
    /// What it mounts.
    public var source: String
    /// How the kernel does without it; nil where it cannot.
    public var kernel: KernelMount?

    /// Puts the parts together.
    public init(name: String, words: [String] = [], style: Style, source: String, kernel: KernelMount? = nil) {
        self.name = name
        self.words = words
        self.style = style
        self.source = source
        self.kernel = kernel
    }

    /// How a program takes options, and where it takes source and mountpoint.
    public enum Style: UInt8, Hashable, Sendable, CaseIterable {
        /// `-o name=value` for each, then `--`, source and mountpoint: programs of libfuse.
        case separateOptions
        /// `--name=value` for each, then `--`, source and mountpoint.
        case longOptions
        /// Source and mountpoint, then `-o` and all options with commas between: `mount.<type>` (`man 8 mount`,
        /// "EXTERNAL HELPERS").
        case mountHelper
    }

    /// All that it is told of a recipe's parameters.
    ///
    /// - Parameters:
    ///   - files: the folder in which it finds the copy of each file, by the option's name.
    ///   - place: the mountpoint.
    /// - Returns: nil for what a program could read as something else.
    public func arguments(_ parameters: [MountRecipe.Parameter], files: FilePath, place: FilePath) -> [String]? {
        let options = parameters.map { parameter -> (name: String, value: String?) in
            switch parameter {
            case .flag(let name): (name, nil)
            case .string(let name, let value): (name, value)
            case .file(let name, _, _): (name, files.appending(name).string)
            case .paths(let name, let paths): (name, paths.map(\.string).joined(separator: ":"))
            }
        }
        return arguments(options: options, place: place.string)
    }

    /// All that it is told.
    ///
    /// No option has a comma in its value, and no source begins with `-`: the grammars see to that, and
    /// this refuses them.
    ///
    /// - Parameters:
    ///   - options: names and values in order; a flag has none.
    ///   - place: the mountpoint.
    /// - Returns: nil for a source or an option that a program could read as something else.
    public func arguments(options: [(name: String, value: String?)], place: String) -> [String]? {
        let texts = options.map { option in option.value.map { "\(option.name)=\($0)" } ?? option.name }
        guard !texts.contains(where: { $0.utf8.contains(UInt8(ascii: ",")) || $0.utf8.first == UInt8(ascii: "-") }),
            source.utf8.first != UInt8(ascii: "-"), !source.isEmpty
        else { return nil }
        switch style {
        case .separateOptions: return words + texts.flatMap { ["-o", $0] } + ["--", source, place]
        case .longOptions: return words + texts.map { "--\($0)" } + ["--", source, place]
        case .mountHelper:
            return words + [source, place] + (texts.isEmpty ? [] : ["-o", texts.joined(separator: ",")])
        }
    }
}

/// What a catalog's entry says about the helper program of its type.
public struct HelperGrammar: Hashable, Sendable {
    /// The program's name.
    public let program: String
    /// How the kernel names the mounted filesystem, `fuse.` and the subtype included.
    public let kernelType: String
    /// What the program is told before anything else.
    public let words: [String]
    /// How it takes options.
    public let style: HelperProgram.Style
    /// The option that makes the mount read-only.
    public let readOnlyOption: String
    /// The option that names the folder for what it caches on disk; a mount has one of its own.
    public let cacheOption: String?
    /// How the kernel does without the program; nil where it cannot.
    public let kernel: KernelForm?

    /// Puts the parts together.
    public init(
        program: String, kernelType: String, words: [String] = [], style: HelperProgram.Style,
        readOnlyOption: String = "ro", cacheOption: String? = nil, kernel: KernelForm? = nil
    ) {
        self.program = program
        self.kernelType = kernelType
        self.words = words
        self.style = style
        self.readOnlyOption = readOnlyOption
        self.cacheOption = cacheOption
        self.kernel = kernel
    }
}
