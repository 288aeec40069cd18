// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// What was found at a place, and where the mount is that was expected there.
public struct Observation: Hashable, Sendable {
    /// Where the expected mount is.
    public enum Place: Hashable, Sendable {
        /// Nowhere in this namespace; also when none was expected.
        case absent
        /// At the place, on top.
        case onTop
        /// At the place, covered by another.
        case beneath
        /// In its parking slot: an unmount was cut short. `ParkingLot.finish` or `moveBack` goes on.
        case parked
        /// Somewhere else: others moved it.
        case elsewhere(FilePath?)
    }

    /// Both in one word.
    public enum Summary: Hashable, Sendable {
        /// Nothing is mounted there, and the expected mount is nowhere.
        case empty
        /// The expected mount is on top.
        case ours
        /// The expected mount is there, covered by another.
        case covered
        /// Something else is mounted there, and the expected mount is nowhere.
        case foreign
        /// The expected mount is in its parking slot.
        case parked
        /// The expected mount is somewhere else.
        case moved
    }

    /// What is on top at the place.
    public var top: Topmost
    /// Where the expected mount is.
    public var ours: Place

    /// Puts both together.
    public init(top: Topmost, ours: Place) {
        self.top = top
        self.ours = ours
    }

    /// Both in one word: where the expected mount is counts first, then what is on top.
    public var summary: Summary {
        switch (ours, top) {
        case (.onTop, _): .ours
        case (.beneath, _): .covered
        case (.parked, _): .parked
        case (.elsewhere, _): .moved
        case (.absent, .mount): .foreign
        case (.absent, _): .empty
        }
    }
}

extension TargetPath {
    /// Says what is at the place, and where the expected mount is: in its slot, at the place, or elsewhere. Does not
    /// block.
    ///
    /// - Throws: the kernel's refusal; ELOOP or ENOTDIR for a component on the way that is no folder.
    public func observe(
        expecting id: KernelMountID?, parking: ParkingLot
    ) throws(SystemCallError) -> Observation {
        // The slot first: a mount that is being moved back is then seen at one of the two places, never at neither.
        let isParked = try id.map { id throws(SystemCallError) in try parking.holds(id) } ?? false
        let top = try topmost()
        guard let id else { return Observation(top: top, ours: .absent) }
        if isParked { return Observation(top: top, ours: .parked) }
        if top == .mount(id) { return Observation(top: top, ours: .onTop) }
        return Observation(top: top, ours: try place(of: id, under: top, parking))
    }

    private func place(
        of id: KernelMountID, under top: Topmost, _ parking: ParkingLot
    ) throws(SystemCallError) -> Observation.Place {
        guard let entry = try table.entry(id) else { return .absent }
        if case .mount(let topID) = top {
            var next = try table.entry(topID)
            while let above = next, above.parentID != root.id, above.parentID != above.id {
                if above.parentID == id { return .beneath }
                next = try table.entry(above.parentID)
            }
        }
        // Attached to the root's own mount at this path, yet not on top: a folder on the way is covered.
        if entry.parentID == root.id, entry.mountpoint == path { return .beneath }
        // It was moved into its slot after the first look.
        if entry.parentID == parking.id { return .parked }
        return .elsewhere(entry.mountpoint)
    }
}
