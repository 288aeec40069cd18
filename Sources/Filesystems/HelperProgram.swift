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
    /// What it mounts; nil where the words say it.
    public var source: String?
    /// How the kernel does without it; nil where it cannot.
    public var kernel: KernelMount?
    /// Options whose files it has, and finds by its settings: it is not told of them.
    public var untold: [String] = []
    /// Folders of the host's that are its own, and empty.
    public var emptyFolders: [FilePath] = []
    /// Programs of the host's that it cannot start.
    public var hiddenPrograms: [FilePath] = []
    /// The folder for what it caches, which no other process may use meanwhile; nil where it caches nothing.
    public var cache: FilePath?

    /// Where it finds its files.
    public static let files: FilePath = "/root"

    /// Puts the parts together.
    public init(name: String, words: [String] = [], style: Style, source: String?, kernel: KernelMount? = nil) {
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
        /// Source and mountpoint, then `-o name=value` for each.
        case operandsFirst
        /// `-n value` for each, by the first letter of its name, then the mountpoint.
        case letters
        /// Source and mountpoint, then `-o` and all options with commas between: `mount.<type>` (`man 8 mount`,
        /// "EXTERNAL HELPERS").
        case mountHelper
    }

    /// All that it is told of a recipe's parameters.
    ///
    /// - Parameter place: the mountpoint.
    /// - Returns: nil for what a program could read as something else.
    public func arguments(_ parameters: [MountRecipe.Parameter], place: FilePath) -> [String]? {
        let options = parameters.compactMap { parameter -> (name: String, value: String?)? in
            switch parameter {
            case .flag(let name): (name, nil)
            case .string(let name, let value): (name, value)
            case .file(let name, _, _), .content(let name, _, _):
                untold.contains(name) ? nil : (name, Self.files.appending(name).string)
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
            source?.utf8.first != UInt8(ascii: "-"), source?.isEmpty != true
        else { return nil }
        let operands = (source.map { [$0] } ?? []) + [place]
        let end = source == nil ? [] : ["--"]
        switch style {
        case .separateOptions: return words + texts.flatMap { ["-o", $0] } + end + operands
        case .longOptions: return words + texts.map { "--\($0)" } + end + operands
        case .operandsFirst: return words + operands + texts.flatMap { ["-o", $0] }
        case .letters:
            return words + options.flatMap { ["-\($0.name.prefix(1))"] + ($0.value.map { [$0] } ?? []) } + operands
        case .mountHelper:
            return words + operands + (texts.isEmpty ? [] : ["-o", texts.joined(separator: ",")])
        }
    }
}
