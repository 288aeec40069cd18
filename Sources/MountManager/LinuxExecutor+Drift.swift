// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
public import MountModel
internal import MountWorker
internal import SystemPackage

extension LinuxExecutor {
    public func drift(among mounts: [MountID: MountSource]) async -> Drift {
        let result = await onThread(of: .table) { () -> Drift in
            var drift = Drift()
            do throws(SystemCallError) {
                drift.isRootExposed = try self.isReadOnly ? self.root.isExposed() : self.root.keepPrivate()
            } catch {
                drift.problems.append(.operation("look at", self.root.path, failed: error))
            }
            for (id, source) in mounts {
                do throws(SystemCallError) {
                    // One that is gone is lost, which its machine is told by another way.
                    guard let entry = try self.root.table.entry(KernelMountID(rawValue: id.rawValue)),
                        let recipe = try? self.catalog.recipe(for: source)
                    else { continue }
                    if let found = self.drift(of: entry, from: recipe) { drift.mounts[id] = found.description }
                } catch {
                    drift.problems.append(.operation("look at", "mount \(id)", failed: error))
                }
            }
            return drift
        }
        return (try? result.get()) ?? Drift()
    }

    public func restoreAttributes(
        of id: MountID, at mountpoint: Mountpoint, for source: MountSource
    ) async -> MountError? {
        let result = await onThread(of: .table) { () -> MountError? in
            do throws(SystemCallError) {
                let kernelID = KernelMountID(rawValue: id.rawValue)
                guard let recipe = try? self.catalog.recipe(for: source),
                    let entry = try self.root.table.entry(kernelID),
                    let drift = self.drift(of: entry, from: recipe)
                else { return nil }
                let target = try self.target(mountpoint)
                _ = try target.setAttributes(
                    MountAttributes(recipe.attributes), clearing: drift.added, ofMount: kernelID)
                return nil
            } catch {
                return .operation("give back the attributes of", mountpoint, failed: error)
            }
        }
        switch result {
        case .success(let problem): return problem
        case .failure(let error): return error
        }
    }

    /// In what a mount differs from its recipe.
    func drift(of entry: MountEntry, from recipe: MountRecipe) -> AttributeDrift? {
        let inherits = if case .folder = recipe.medium { true } else { false }
        return AttributeDrift(wanted: MountAttributes(recipe.attributes), found: entry.attributes, inherits: inherits)
    }
}
