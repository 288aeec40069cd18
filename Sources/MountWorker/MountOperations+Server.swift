// SPDX-License-Identifier: Apache-2.0

internal import Filesystems
internal import LinuxMount
internal import MountModel
internal import SystemPackage

extension MountOperations {
    /// Has the kernel mount by itself what no program is there for: with the address of the server, which it does not
    /// look for, and what is in the secret files, which it does not read.
    ///
    /// - Throws: the resolver's or the kernel's refusal, the last one where several addresses or versions were tried.
    func build(
        _ recipe: MountRecipe, from source: String, byKernel kernel: KernelMount
    ) throws(SystemCallError) -> DetachedMount {
        let files = try HelperFiles(reading: recipe.parameters)
        do throws(SystemCallError) {
            let parameters = try Self.parameters(of: recipe, files, kernel)
            return try mount(recipe, source, parameters, kernel)
        } catch {
            var error = error
            error.kernelMessages = error.kernelMessages.map(files.withoutSecrets)
            throw error
        }
    }

    private func mount(
        _ recipe: MountRecipe, _ source: String, _ parameters: [MountRecipe.Parameter], _ kernel: KernelMount
    ) throws(SystemCallError) -> DetachedMount {
        var failure = SystemCallError("getaddrinfo", .noRouteToHost, on: source)
        let addresses = try Self.addresses(of: kernel.server)
        let asked: [[MountRecipe.Parameter]] = kernel.versions.map { [.string("vers", $0)] }
        versions: for version in asked.isEmpty ? [[]] : asked {
            for address in addresses {
                do throws(SystemCallError) {
                    return try mount(recipe, source, parameters + version + address)
                } catch {
                    failure = error
                    if error.errno == .protocolNotSupported { continue versions }
                    guard Self.unreached.contains(error.errno) else { throw error }
                }
            }
            // No older version makes a server reachable.
            break
        }
        throw failure
    }

    private func mount(
        _ recipe: MountRecipe, _ source: String, _ parameters: [MountRecipe.Parameter]
    ) throws(SystemCallError) -> DetachedMount {
        var context = try FilesystemContext(type: recipe.filesystem.rawValue)
        try context.setString("source", source)
        for parameter in parameters {
            switch parameter {
            case .flag(let name): try context.setFlag(name)
            case .string(let name, let value): try context.setString(name, value)
            case .file, .content, .paths: throw SystemCallError("fsconfig", .invalidArgument, on: "\(parameter)")
            }
        }
        try context.create(exclusive: recipe.exclusiveSuperblock)
        return try context.mount(attributes: MountAttributes(recipe.attributes))
    }

    /// Those after which another address of the same host may do.
    private static let unreached: [Errno] = [
        .connectionRefused, .networkUnreachable, .noRouteToHost, .timedOut, .hostIsDown, .addressFamilyNotSupported,
    ]

    private static func addresses(
        of server: KernelMount.Server?
    ) throws(SystemCallError) -> [[MountRecipe.Parameter]] {
        guard let server else { return [[]] }
        let family: HostAddresses.Family =
            switch server.family {
            case .any: .any
            case .ipv4: .ipv4
            case .ipv6: .ipv6
            }
        return try HostAddresses.find(server.name, family).map { [.string(server.option, $0)] }
    }

    private static func parameters(
        of recipe: MountRecipe, _ files: HelperFiles, _ kernel: KernelMount
    ) throws(SystemCallError) -> [MountRecipe.Parameter] {
        var parameters: [MountRecipe.Parameter] = []
        for parameter in recipe.parameters {
            switch parameter {
            case .flag, .string, .paths: parameters.append(parameter)
            case .file(let option, _, _), .content(let option, _, _):
                guard let form = kernel.secret, let told = form.parameters(from: files.content(of: option)) else {
                    throw SystemCallError("read", .invalidArgument, on: "\(parameter) (it has no credentials)")
                }
                parameters += told.map { .string($0.name, $0.value) }
            }
        }
        return parameters
    }
}
