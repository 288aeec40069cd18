// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
public import MountManager
public import MountModel
internal import SystemPackage

extension SimulatedKernel {
    public func detectType(of source: String, within limit: Duration) async throws(MountError) -> FilesystemType {
        if let type = FilesystemCatalog.standard.inferType(from: source) { return type }
        if assumesSources { return FilesystemType(rawValue: "tmpfs") }
        try InputText.checkAbsolutePath(source, as: "source")
        let content = try withTable { table throws(MountError) in
            do throws(Errno) {
                return table.node(at: try table.lookUp(SimulatedPath(FilePath(source))))?.content
            } catch {
                throw .operation("look at", source, failed: SystemCallError("openat2", error))
            }
        }
        let signature: String?
        switch content {
        case .folder: signature = "folder"
        case .file(.filesystem(let type)), .device(.filesystem(let type)): signature = type
        default: signature = nil
        }
        if let type = signature.flatMap({ FilesystemCatalog.standard.type(forSignature: $0) }) { return type }
        throw .invalidArgument("there is no filesystem that Holdfast knows on \(source)")
    }

    public func examine(
        _ mountpoint: Mountpoint, expecting id: MountID?, of source: MountSource
    ) async -> Examination {
        withTable { table in
            do throws(SystemCallError) {
                switch try table.observe(id, at: try table.target(mountpoint)) {
                case .ours:
                    guard let id, let drift = self.drift(of: id, source, table) else {
                        return Examination(.ok, found: "ours")
                    }
                    return Examination(.drifted, found: "ours \(drift)")
                case .empty: return Examination(.missing, found: "nothing is mounted")
                case .covered: return Examination(.foreign, found: "ours, beneath another mount")
                case .parked: return Examination(.missing, found: "ours is in its parking slot")
                case .moved: return Examination(.missing, found: "ours was moved elsewhere by somebody")
                case .foreign: return Examination(.replaced, found: "another mount")
                }
            } catch {
                return Examination(.unknown, found: "it cannot be looked at: \(error)")
            }
        }
    }

    public func drift(among mounts: [MountID: MountSource]) async -> Drift? {
        await begin(.drift)
        if let fault = nextFault(of: .drift) {
            var drift = Drift()
            drift.problems.append(fault)
            drift.unseen = Set(mounts.keys)
            return drift
        }
        return withTable { table in
            var drift = Drift()
            if table.mounts[table.root]?.peers != nil {
                for member in table.tree(of: table.root) { table.set(member) { $0.peers = nil } }
                drift.isRootExposed = true
            }
            for (id, source) in mounts {
                drift.mounts[id] = self.drift(of: id, source, table)
            }
            return drift
        }
    }

    public func restoreAttributes(
        of id: MountID, at mountpoint: Mountpoint, for source: MountSource
    ) async -> MountError? {
        withTable { table in
            guard let drift = self.drift(of: id, source, table) else { return nil }
            do throws(SystemCallError) {
                let target = try table.target(mountpoint)
                guard case .found = try table.parent(of: target), try table.topmost(at: target) == .mount(id) else {
                    return nil
                }
                table.set(id) { $0.attributes = $0.attributes.subtracting(drift.added).union(drift.missing) }
                return nil
            } catch {
                return .operation("give back the attributes of", mountpoint, failed: error)
            }
        }
    }

    /// In what an attached mount differs from what its source asks for.
    private func drift(of id: MountID, _ source: MountSource, _ table: SimulatedTable) -> MountDrift? {
        guard let mount = table.mounts[id], mount.place != nil,
            let recipe = try? FilesystemCatalog.standard.recipe(for: source)
        else { return nil }
        let inherits = if case .folder = recipe.medium { true } else { false }
        return MountDrift(
            wanted: MountAttributes(recipe.attributes), found: mount.attributes, inherits: inherits)
    }
}
