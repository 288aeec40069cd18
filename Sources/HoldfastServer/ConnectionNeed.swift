// SPDX-License-Identifier: Apache-2.0

/// What a connection needs its place for.
enum ConnectionNeed: Sendable {
    /// For nothing, as yet: it is idle, or a request arrives.
    case nothing
    /// It has not taken all of its answers, which are written.
    case reading
    /// An answer is owed to it.
    case answer
}
