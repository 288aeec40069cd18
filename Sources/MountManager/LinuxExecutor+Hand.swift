// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import LinuxMount
public import MountModel
internal import MountWorker
internal import NIOConcurrencyHelpers
internal import SystemPackage

// The mounts that are built and not placed.
extension LinuxExecutor {
    /// Attaches the mount in hand and closes its descriptor; where it is not attached, it stays in hand.
    ///
    /// - Returns: others' mount that is there already.
    func attachInHand(_ id: MountID, at target: TargetPath) throws(SystemCallError) -> KernelMountID? {
        guard let descriptor = built.withLockedValue({ $0.removeValue(forKey: id) }) else {
            throw SystemCallError("move_mount", .badFileDescriptor, on: target.path.string)
        }
        let mount = try DetachedMount(receiving: OwnedDescriptor(owning: descriptor))
        let other: KernelMountID?
        do throws(SystemCallError) { other = try target.attach(mount) } catch {
            keepInHand(mount, as: id)
            throw error
        }
        if other != nil { keepInHand(mount, as: id) }
        return other
    }

    func keepInHand(_ mount: consuming DetachedMount, as id: MountID) {
        let descriptor = mount.releaseDescriptor().release()
        built.withLockedValue { $0[id] = descriptor }
    }

    public func close(_ id: MountID) async {
        // The last descriptor takes the superblock with it, which may have to be written out.
        switch await onThread(of: .sources, { self.release(id) }) {
        case .success(.some(let failure)): await waitForEnd(after: failure)
        case .success(nil): break
        case .failure: await releaseLate([id])
        }
    }

    /// - Returns: why nobody knows that it is closed.
    private func release(_ id: MountID) -> OperationFailure? {
        guard let descriptor = built.withLockedValue({ $0.removeValue(forKey: id) }) else { return nil }
        // The last descriptor of a mount that was never placed frees everything behind it, whatever is answered.
        do throws(OperationFailure) { try operations.close(OwnedDescriptor(owning: descriptor)) } catch {
            // Nobody has written to it.
            if error.isLate { operations.endHelpers(of: KernelMountID(rawValue: id.rawValue)) }
            return error
        }
        return nil
    }

    /// Lets go of them on a thread of the system's: the executor's own have ended.
    func releaseLate(_ ids: [MountID]) async {
        if ids.isEmpty { return }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                for id in ids { _ = self.release(id) }
                continuation.resume()
            }
        }
    }
}
