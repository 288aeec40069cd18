// SPDX-License-Identifier: Apache-2.0

public import MountModel

typealias State = MountState<String, Source>

/// A source by its name; `gpfs` is an external one, and `manual` is not mounted again by itself.
struct Source: ManageableSource, ExpressibleByStringLiteral, CustomStringConvertible {
    let description: String
    init(stringLiteral name: String) { description = name }
    var isExternal: Bool { description == "gpfs" }
    var isHealed: Bool { description != "manual" }
}

/// Drives one mountpoint's state machine and shows effects as short texts, so that a test reads like a story.
///
/// Keys and sources are words; requests are numbered as they come.
final class Course {
    private(set) var state: State
    private var lastRequest: UInt64 = 0

    /// A mountpoint of which nothing is known, with nothing in the ledger.
    init(rungs: Int = 1) { state = State(rungs: rungs) }

    /// A mountpoint after a start of the daemon, before `.start`.
    init(
        recovering row: State.Row?, held: Set<String> = [], persistent: Set<String> = [], sameBoot: Bool = true,
        orphan: Bool = false, readOnly: Bool = false
    ) {
        state = State(
            recovering: row, held: held, persistent: persistent, isSameBoot: sameBoot, hasOrphan: orphan,
            isReadOnly: readOnly)
    }

    /// A mountpoint where `nfs` is mounted with id 7 for these keys.
    static func mounted(_ keys: String..., rungs: Int = 1) -> Course {
        let course = Course(rungs: rungs)
        for key in keys { course.attach(key) }
        course.tell(.built(7))
        course.tell(.committed(true))
        course.tell(.operationEnded(.ours))
        course.tell(.committed(true))
        precondition(course.state.phase == .mounted && course.state.isAtRest && course.state.held == Set(keys))
        course.lastRequest = 0
        return course
    }

    @discardableResult
    func tell(_ event: State.Event) -> [String] { state.handle(event).map(text) }

    @discardableResult
    func attach(_ key: String, _ source: Source = "nfs", persistent: Bool = false) -> [String] {
        tell(.request(.attach(nextRequest(), key: key, source: source, persistent: persistent)))
    }

    @discardableResult
    func detach(_ key: String) -> [String] { tell(.request(.detach(nextRequest(), key: key))) }

    @discardableResult
    func cancel(_ request: UInt64) -> [String] { tell(.cancel(RequestID(rawValue: request))) }

    private func nextRequest() -> RequestID {
        lastRequest += 1
        return RequestID(rawValue: lastRequest)
    }

    private func text(_ effect: State.Effect) -> String {
        switch effect {
        case .inspect(let id): "inspect \(text(id))"
        case .build(let source): "build \(source)"
        case .abort: "abort"
        case .place(let id): "place \(id)"
        case .unmount(let id, let rung): "unmount \(id) rung \(rung)"
        case .close: "close"
        case .write(let batch): text(batch)
        case .ended(let key, let source): "\(key) on \(source) ended"
        case .reply(let id, let answer): "\(id) \(answer)"
        case .arm(after: .failure): "arm"
        case .arm(after: .loss): "arm after a loss"
        case .disarm: "disarm"
        }
    }

    private func text(_ batch: State.Batch) -> String {
        var words = ["write"]
        switch batch.row {
        case .keep: break
        case .set(let row): words.append("row \(row.source)/\(text(row.id))")
        case .delete: words.append("no row")
        case .purge(let row): words.append("purge \(row.map { "\($0.source)/\(text($0.id))" } ?? "all")")
        }
        words += batch.remove.sorted().map { "-\($0)" }
        words += batch.add.sorted().map { "+\($0)" }
        if batch.fullSync { words.append("synced") }
        return words.joined(separator: " ")
    }

    private func text(_ id: MountID?) -> String { id.map(\.description) ?? "none" }
}

extension MountID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) { self.init(rawValue: value) }
}
