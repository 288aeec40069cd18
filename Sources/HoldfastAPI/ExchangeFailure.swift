// SPDX-License-Identifier: Apache-2.0

import MountModel

/// Why a request got no answer that can be used.
enum ExchangeFailure: Error, Hashable {
    /// No connection came about; the error is ready for a person.
    case notConnected(MountError)
    /// The deadline has passed.
    case timedOut
    /// A system call failed in mid-connection.
    case failed(systemCall: String, errno: Int32)
    /// The daemon closed the connection after this many bytes of its answer.
    case hungUp(received: Int)
    /// The bytes are not HTTP as the daemon speaks it.
    case malformed(String)
    /// The answer is longer than this many bytes.
    case tooLarge(limit: Int)
}
