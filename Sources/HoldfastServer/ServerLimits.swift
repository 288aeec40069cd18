// SPDX-License-Identifier: Apache-2.0

/// What a client may take of the server's memory and time.
public struct ServerLimits: Hashable, Sendable {
    /// Connections at one time. Near the limit those that do nothing are closed, the oldest first, and attaches are
    /// refused; at it those that only read an answer are closed too, and where all wait for one, one more is told
    /// `unavailable` and closed.
    public var connections = 1_024
    /// Bytes of a request's body.
    public var bodyBytes = 65_536
    /// Bytes of all header fields of a request together.
    public var headerBytes = 16_384
    /// Header fields of a request.
    public var headerFields = 100
    /// Bytes of a request's target: path and query.
    public var targetBytes = 8_192
    /// How long a connection may stay open without a request.
    public var idleTimeout = Duration.seconds(120)
    /// How long a request may take from its first byte to its last; how slowly it drips does not matter.
    public var receiveTimeout = Duration.seconds(15)
    /// How long a client may take to accept a response that is ready.
    public var sendTimeout = Duration.seconds(60)
    /// How long requests in flight are given at a graceful shutdown.
    public var drainTimeout = Duration.seconds(10)
    /// How long, at the end, the socket's filesystem is given to remove its name.
    package var removalTimeout = Duration.seconds(2)
    /// How long a connection that is being closed is still read from, so that the client sees its last response.
    package var lingerTimeout = Duration.seconds(2)

    /// The defaults.
    public init() {}
}
