// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// What the running kernel can do beyond Holdfast's floor (5.14), found by asking it, not by its version.
public struct KernelFeatures: Hashable, Sendable {
    /// `STATX_MNT_ID_UNIQUE`: ids of mounts that are never given twice within a boot.
    public var hasUniqueMountIDs: Bool
    /// `statmount(2)`: one mount's facts by its id.
    public var hasStatmount: Bool
    /// `listmount(2)`: the ids of all mounts.
    public var hasListmount: Bool
    /// `FSCONFIG_CMD_CREATE_EXCL`: a superblock that is certainly new.
    public var hasExclusiveCreate: Bool
    /// `MOVE_MOUNT_BENEATH`: a mount can be exchanged under its users.
    public var hasMountBeneath: Bool
    /// `open_tree_attr(2)`: a clone that is born with its attributes.
    public var hasOpenTreeAttributes: Bool
    /// `AT_HANDLE_MNT_ID_UNIQUE`: the unique id of a mount whose filesystem refuses `statx`.
    public var hasUniqueHandleMountIDs: Bool

    /// What this kernel answered when it was first asked; the probes change nothing and cannot block.
    public static let current = KernelFeatures.probe()

    /// One row a feature, for a status page: its name, the kernel that brought it, and whether it is there.
    public var rows: [(name: String, since: String, isAvailable: Bool)] {
        [
            ("unique mount ids", "6.8", hasUniqueMountIDs),
            ("statmount", "6.8", hasStatmount),
            ("listmount", "6.8", hasListmount),
            ("exclusive superblock creation", "6.6", hasExclusiveCreate),
            ("mounting beneath", "6.5", hasMountBeneath),
            ("open_tree_attr", "6.15", hasOpenTreeAttributes),
            ("unique mount ids by file handle", "6.12", hasUniqueHandleMountIDs),
        ]
    }

    // Each probe is a call that must fail, and the errno says whether the kernel got as far as to know the feature.
    private static func probe() -> KernelFeatures {
        let noFunction = -Errno.noFunction.rawValue
        let unknownFlag = -Errno.invalidArgument.rawValue
        var status = hf_statx()
        let root = hf_statx(-1, "/", 0, UInt32(HF_STATX_MNT_ID_UNIQUE), &status)
        let moveFlags = UInt32(HF_MOVE_MOUNT_BENEATH | HF_MOVE_MOUNT_F_EMPTY_PATH | HF_MOVE_MOUNT_T_EMPTY_PATH)
        var handleID: UInt64 = 0
        return KernelFeatures(
            hasUniqueMountIDs: root == 0 && status.mask & UInt32(HF_STATX_MNT_ID_UNIQUE) != 0,
            hasStatmount: hf_statmount(0, 0, nil, 0) != noFunction,
            hasListmount: hf_listmount(0, nil, 0) != Int(noFunction),
            hasExclusiveCreate: knowsExclusiveCreate(),
            hasMountBeneath: hf_move_mount(-1, "", -1, "", moveFlags) != unknownFlag,
            hasOpenTreeAttributes: hf_probe_open_tree_attr() != noFunction,
            hasUniqueHandleMountIDs: hf_handle_mount_id(-1, "x", 0, &handleID) != unknownFlag
        )
    }

    // A key where none belongs is EINVAL to a kernel that knows the command and EOPNOTSUPP to one that does not.
    private static func knowsExclusiveCreate() -> Bool {
        let context = hf_fsopen("tmpfs")
        guard context >= 0 else { return false }
        let owned = OwnedDescriptor(owning: context)
        let answer = hf_fsconfig(owned.rawValue, UInt32(HF_FSCONFIG_CMD_CREATE_EXCL), "x", nil, 0)
        return answer == -Errno.invalidArgument.rawValue
    }
}
