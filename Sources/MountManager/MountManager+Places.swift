// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import MountModel
internal import SystemPackage

// Where a source may be, by what the catalog says about its type.
extension MountManager {
    /// Where somebody else has mounted the source; of several places the one that is named.
    func externalMountpoint(
        for order: AttachOrder, until deadline: ContinuousClock.Instant
    ) async throws(MountError) -> Mountpoint {
        let context = MountError.Context(
            operation: "attach", type: order.source.type.rawValue, source: order.source.source)
        let root = configuration.mountRoot
        if let named = order.mountpoint {
            guard !named.path.starts(with: root.path) else {
                throw .invalidArgument(
                    "the mountpoint \(named) is beneath the mount root \(root), where nobody else mounts",
                    hint: "name the path where \(order.source) is mounted, or none")
            }
            return named
        }
        if let known = used(order.source, where: { $0.state.phase == .mounted }) { return known }
        let places = try await executor.places(
            ofExternal: order.source, within: ContinuousClock.now.duration(to: deadline))
        guard places.count != 1 else { return places[0] }
        // What is used and was unmounted is known by its record.
        if let place = used(order.source), places.isEmpty || places.contains(place) { return place }
        if places.isEmpty {
            throw MountError(
                .mountFailed, "cannot attach \(order.source): it is not mounted on this host", context: context,
                hint: "whoever mounts \(order.source.type) filesystems on this host has to: Holdfast never does")
        }
        throw MountError(
            .conflict,
            "\(order.source) is mounted at \(places.map(\.description).joined(separator: " and "))", context: context,
            hint: "say which: name the mountpoint")
    }

    /// The one place at which an external source is used; nil where there is none, or are several.
    private func used(_ source: MountSource, where isMeant: (Machine) -> Bool = { _ in true }) -> Mountpoint? {
        let places = externals.filter { place in
            machines[place].map { $0.source == source && isMeant($0) } ?? false
        }
        return places.count == 1 ? places.first : nil
    }

    /// What may be in one mount only: a device or an image, of which there must be one superblock, and the folders that
    /// an overlay writes to, of which the kernel says that two users are undefined behaviour.
    func exclusivePlaces(of source: MountSource) -> Set<ExactText> {
        if source.type.rawValue == "overlay" {
            let written = source.options.filter { $0.name == "upperdir" || $0.name == "workdir" }
            return Set(written.compactMap(\.value).map(ExactText.init))
        }
        let entry = try? configuration.catalog.entry(source.type)
        return entry?.hasOneSuperblockPerDevice ?? true ? [ExactText(source.source)] : []
    }
}
