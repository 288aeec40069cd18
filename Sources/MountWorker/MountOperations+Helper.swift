// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
internal import MountModel
internal import SystemPackage

extension MountOperations {
    /// Builds the mount detached, with a helper program where one is needed and installed.
    ///
    /// - Throws: why there is no mount; `unsupported` as ENOTSUP for a helper program without a group.
    func build(_ recipe: MountRecipe, in group: ControlGroup?) throws(OperationFailure) -> DetachedMount {
        if case .helper(let program) = recipe.medium, let group,
            program.kernel == nil || HelperRun.isInstalled(program.name)
        {
            return try build(recipe, with: program, in: group)
        }
        return try build(recipe, lock: nil, interrupt: nil)
    }

    /// Has a helper program mount in a nursery, and takes the mount from there. The process is in the nursery from then
    /// on: it can build nothing else, and ends after its answer.
    ///
    /// A daemon that the program leaves behind serves the mount, and ends with it. What goes wrong may leave processes
    /// behind: they are in the control group, which is for its maker to kill.
    ///
    /// - Parameter group: joined before anything else, with all that is started from here.
    /// - Throws: why there is no mount.
    private func build(
        _ recipe: MountRecipe, with program: HelperProgram, in group: ControlGroup
    ) throws(OperationFailure) -> DetachedMount {
        let failure: HelperFailure
        do throws(SystemCallError) {
            // One that the kernel does not know is told as that, and not in the program's words.
            _ = try FilesystemContext(type: recipe.filesystem.rawValue)
            try group.join()
            let files = try HelperFiles(reading: recipe.parameters)
            let nursery = try Nursery.enter()
            for folder in program.emptyFolders { try nursery.empty(folder) }
            for hidden in program.hiddenPrograms { try nursery.hide(hidden) }
            try files.write()
            reached(.nurseryReady)
            let (status, output) = try run(program, recipe.parameters)
            reached(.helperEnded)
            if status == 0, try nursery.isMounted, nursery.isAnswered() {
                return try take(recipe, from: nursery, of: program)
            }
            failure = HelperFailure(program: program.name, status: status, output: output.map(files.withoutSecrets))
        } catch {
            throw .refused(error)
        }
        throw .helper(failure)
    }

    private func take(
        _ recipe: MountRecipe, from nursery: consuming Nursery, of program: HelperProgram
    ) throws(SystemCallError) -> DetachedMount {
        let taken = try nursery.takeMount()
        reached(.handedOn)
        guard recipe.isNamed(taken.filesystemType) else {
            throw SystemCallError(
                "statmount", .notSupported, on: "\(program.name) has mounted a \(taken.filesystemType)")
        }
        try taken.mount.setAttributes(MountAttributes(recipe.attributes))
        return taken.release()
    }

    private func run(
        _ program: HelperProgram, _ parameters: [MountRecipe.Parameter]
    ) throws(SystemCallError) -> (status: Int32, output: [String]) {
        guard let arguments = program.arguments(parameters, place: Nursery.place) else {
            throw SystemCallError("posix_spawn", .invalidArgument, on: "\(program.name) (an option is not one)")
        }
        return try HelperRun.run(program.name, arguments)
    }
}
