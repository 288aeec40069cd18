// SPDX-License-Identifier: Apache-2.0

import MountTestSupport
import Testing

/// The simulation against Linux: one world at a time, for each looks for descriptors and mounts that are left.
@Suite(.serialized) enum Conformance {}
