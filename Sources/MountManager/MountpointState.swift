// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// The state machine as the product uses it: attachments by volume and consumer, sources in canonical form with how
/// they are managed.
public typealias MountpointState = MountState<AttachmentKey, ManagedSource>
