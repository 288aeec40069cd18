// SPDX-License-Identifier: Apache-2.0

internal import MountModel

/// A folder of a Ceph filesystem by its monitors, `monitor:port,monitor:/folder`, in its one spelling: sorted, the port
/// 6789 left out.
struct MonitorSource: CustomStringConvertible {
    let monitors: [String]
    let folder: String

    var description: String { "\(monitors.joined(separator: ",")):\(folder)" }

    /// Reads a source.
    ///
    /// - Throws: `invalid_argument`, which says what is wrong.
    init(_ text: String) throws(MountError) {
        try InputText.check(text, as: "source", maximumLength: InputText.maximumPathLength)
        let bytes = Array(text.utf8)
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")), slash > 1, bytes[slash - 1] == UInt8(ascii: ":")
        else {
            throw .invalidArgument(
                "the source '\(InputText.quoted(text))' names no folder of monitors",
                hint: "write monitor,monitor:/folder")
        }
        var monitors: Set<String> = []
        for part in bytes[..<(slash - 1)].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            var host = part
            var port = ""
            if let colon = part.lastIndex(of: UInt8(ascii: ":")), !part[colon...].contains(UInt8(ascii: "]")) {
                let digits = String(decoding: part[(colon + 1)...], as: UTF8.self)
                port = try OptionValue.integer(1...65535).canonical(digits, option: "port of a monitor")
                host = part[..<colon]
            }
            let name = try HostSource.canonicalHost(host, of: text)
            monitors.insert(port.isEmpty || port == "6789" ? name : "\(name):\(port)")
        }
        self.monitors = monitors.sorted()
        folder = OptionValue.withoutTrailingSlash(String(decoding: bytes[slash...], as: UTF8.self))
        try InputText.checkAbsolutePath(folder, as: "folder of the source")
        if folder.utf8.contains(UInt8(ascii: ",")) {
            throw .invalidArgument("the source '\(InputText.quoted(text))' has a comma in its folder")
        }
    }
}
