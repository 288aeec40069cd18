// SPDX-License-Identifier: Apache-2.0

extension MountState {
    /// What becomes of an attach, as far as it can be said before it comes.
    public enum Prospect: Hashable, Sendable {
        /// It is answered so, and nothing is done for it in the kernel.
        case answer(Answer)
        /// A mount is made for it, or what is not used any more is unmounted first.
        case mount
        /// The mount that is there gets one attachment more.
        case use
        /// It waits for what is under way, and nobody knows yet how that ends.
        case wait
    }

    /// What would become of this attach, if the mountpoint is as it was last seen and all that it begins goes well.
    ///
    /// It is asked of the machine itself: a copy is told of the request, and of the ends of what it then begins.
    public func prospect(ofAttaching key: Key, to source: Source, persistent: Bool = false) -> Prospect {
        let id = RequestID(rawValue: .max)
        var copy = self
        var effects = copy.handle(.request(.attach(id, key: key, source: source, persistent: persistent)))
        // A removal that is owed, a record's deletion, an unmount, a look: more does not lie before an attach.
        for _ in 0..<8 {
            for effect in effects {
                switch effect {
                case .reply(id, let answer): return .answer(answer)
                case .build: return source.isExternal ? .use : .mount
                case .write(let batch) where batch.requests.contains { $0.id == id && $0.isAttach }:
                    return copy.held.contains(key) ? .answer(.already) : .use
                default: break
                }
            }
            guard let end = copy.assumedEnd(after: self) else { return .wait }
            effects = copy.handle(end)
        }
        return .wait
    }

    /// How what has begun since `before` ends if all goes well, and a ledger write, which takes milliseconds; nil where
    /// there is neither.
    private func assumedEnd(after before: MountState) -> Event? {
        if write != nil { return .committed(true) }
        guard before.operation == nil, let operation else { return nil }
        switch operation.kind {
        case .inspect:
            if seen != .unknown { return .operationEnded(seen) }
            // What was seen in relation to a row that has been deleted is somebody else's now.
            return row == nil && before.row != nil && before.seen != .unknown ? .operationEnded(.foreign) : nil
        case .unmount: return .operationEnded(.empty)
        case .build, .place, .orphan: return nil
        }
    }
}
