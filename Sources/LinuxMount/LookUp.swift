// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// How far a look-up may go (`man 2 openat2`, 5.6). All but the first refuse a symbolic link in any component (ELOOP).
enum LookUp {
    /// Wherever links lead: for the kernel's own files in `/proc`, `/sys` and `/dev`.
    case followingLinks
    /// Through any mount, from any place.
    case anywhere
    /// Beneath the folder it begins at, and across mounts there.
    case beneath
    /// Beneath the folder it begins at, and nowhere onto another mount (EXDEV).
    case beneathOneMount

    var resolve: UInt64 {
        let links = HF_RESOLVE_NO_SYMLINKS | HF_RESOLVE_NO_MAGICLINKS
        return switch self {
        case .followingLinks: 0
        case .anywhere: UInt64(links)
        case .beneath: UInt64(links | HF_RESOLVE_BENEATH)
        case .beneathOneMount: UInt64(links | HF_RESOLVE_BENEATH | HF_RESOLVE_NO_XDEV)
        }
    }
}
