// SPDX-License-Identifier: Apache-2.0

internal import HoldfastAPI

/// An attachment as it was acknowledged, or is listed.
struct HeldAttachment: Hashable, Sendable {
    /// Its name in the API; the ledger has none.
    let id: String?
    /// Whether a reboot leaves it; nil where that is not certain.
    let isPersistent: Bool?

    init(id: String?, isPersistent: Bool?) {
        self.id = id
        self.isPersistent = isPersistent
    }

    init(_ summary: AttachmentSummary) { self.init(id: summary.id, isPersistent: summary.lease == "persistent") }

    /// In what another is not the same.
    func difference(from other: HeldAttachment) -> String? {
        if let isPersistent, let found = other.isPersistent, isPersistent != found {
            return isPersistent ? "a persistent attachment is ordinary" : "an ordinary attachment is persistent"
        }
        if let id, let found = other.id, id != found { return "the id \(id) has become \(found)" }
        return nil
    }
}
