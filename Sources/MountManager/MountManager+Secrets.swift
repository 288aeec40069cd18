// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import MountModel

extension MountManager {
    /// The order, with a source that is equal only to those that came with the same secrets.
    ///
    /// - Throws: `invalid_argument` for secrets that are not those that the source asks for, and where they would have
    ///   to be kept.
    nonisolated func marked(_ order: AttachOrder) throws(MountError) -> AttachOrder {
        let source = order.source
        let names = configuration.catalog.inlineOptions(of: source)
        guard names == Set(order.secrets.keys) else {
            throw .invalidArgument(
                "cannot attach \(source): its secrets are not those that come with the order",
                hint: "make the source with the order's secrets")
        }
        if names.isEmpty { return order }
        guard order.lease != .persistent else {
            throw .invalidArgument(
                "cannot attach \(source) with the lease persistent: a reboot would need its secret, which is not kept",
                hint: "put the secret into a file that is root's (chmod 0600), and give its path as the option "
                    + names.sorted().joined(separator: ", "))
        }
        var order = order
        order.source = MountSource(
            type: source.type, source: source.source, options: source.options,
            credentialsDigest: secretMark.digest(of: order.secrets))
        return order
    }

    /// What `list` and `show` say about a mount that has gone and cannot be made without its secret.
    func secretLossProblem(of machine: Machine) -> MountError {
        MountError(
            .conflict,
            "the mount at \(machine.mountpoint) has gone, and the secret that came with its request is not kept",
            context: MountError.Context(operation: "verify", target: machine.mountpoint.description),
            hint: """
                attach again with the same secret; if that is another one by now, or the daemon was started anew \
                since, detach its consumers first
                """)
    }
}
