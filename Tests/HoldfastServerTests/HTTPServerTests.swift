// SPDX-License-Identifier: Apache-2.0

import Testing

/// Everything that opens sockets, one after the other: each test counts the descriptors of the process.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HTTPServerTests {}
