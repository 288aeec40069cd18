// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import SystemPackage
import Testing

/// Types and options of an administrator's configuration.
@Suite struct AddedTypeTests {
    private func refusal(_ definition: TypeDefinition) -> MountError? {
        do throws(MountError) {
            _ = try catalog.adding([definition])
            return nil
        } catch {
            return error
        }
    }

    @Test("a type that others mount is verified only, and has no options")
    func external() throws {
        let added = try catalog.adding([
            TypeDefinition(name: "lab", kind: "external", filesystem: "fuse.lab", source: "host_folder")
        ])
        let type = FilesystemType(rawValue: "lab")
        #expect(added.isExternal(type) == true)
        #expect(added.isExternal(FilesystemType(rawValue: "ext4")) == false)
        #expect(added.isExternal(FilesystemType(rawValue: "lba")) == nil)
        #expect(try added.entry(type).construction == .external(kernelType: "fuse.lab"))
        let source = try added.source(type: type, source: "Server:/a/", options: [])
        #expect(source.source == "server:/a")
        #expect(throws: MountError.self) { try added.recipe(for: source) }
        for option in ["ro", "nosuid", "size=1m"] {
            let error = #expect(throws: MountError.self) {
                try added.source(type: type, source: "server:/a", options: [option])
            }
            #expect(error?.message.contains("has no option") == true)
        }
    }

    @Test("a type with a program is told the options that are named, by their kinds")
    func helper() throws {
        let added = try catalog.adding([
            TypeDefinition(
                name: "lab", kind: "helper", filesystem: "tmpfs", source: "share",
                options: ["fast", "depth=number", "label=name", "key=secret_file", "home=url", "room=size"])
        ])
        let source = try added.source(
            type: FilesystemType(rawValue: "lab"), source: "//Server/Share",
            options: ["ro", "fast", "depth=-3", "label=A_b.c", "key=/k", "home=HTTPS://Host:443/", "room=1k"])
        let recipe = try added.recipe(for: source)
        guard case .helper(let program) = recipe.medium else {
            Issue.record("it is no helper program's")
            return
        }
        #expect(program.name == "mount.lab" && recipe.filesystem.rawValue == "tmpfs")
        #expect(
            program.arguments(recipe.parameters, place: "/mnt") == [
                "//server/share", "/mnt", "-o",
                "ro,depth=-3,fast,home=https://host,key=/root/key,label=A_b.c,room=1024",
            ])
        for option in ["slow", "depth=x", "label=a b", "home=ftp://x", "key=k", "suid", "fast=1"] {
            #expect(throws: MountError.self) {
                try added.source(type: source.type, source: "//s/a", options: [option])
            }
        }
    }

    @Test("a type that is built in can have more options, those that are refused elsewhere too")
    func moreOptions() throws {
        let added = try catalog.adding([TypeDefinition(name: "nfs", options: ["fsc", "max_connect=number"])])
        let type = FilesystemType(rawValue: "nfs")
        let source = try added.source(type: type, source: "s:/a", options: ["fsc", "max_connect=8"])
        #expect(source.options.map(\.description) == ["fsc", "max_connect=8"])
        #expect(try added.recipe(for: source).parameters.map(\.description) == ["fsc", "max_connect=8", "vers=4.2"])
        #expect(throws: MountError.self) { try catalog.source(type: type, source: "s:/a", options: ["fsc"]) }
    }

    @Test("what makes no sense, or would give root away, is refused with what is wrong")
    func refused() throws {
        for (definition, expected) in [
            (TypeDefinition(name: "lab"), "is not built in, and has no kind"),
            (TypeDefinition(name: "lab", kind: "fuse"), "kind is 'fuse'"),
            (TypeDefinition(name: "Lab", kind: "external"), "lower-case letters"),
            (TypeDefinition(name: "../lab", kind: "external"), "lower-case letters"),
            (TypeDefinition(name: "lab", kind: "helper", program: "sh"), "program is 'sh'"),
            (TypeDefinition(name: "lab", kind: "helper", program: "/tmp/mount.lab"), "letters, digits"),
            (TypeDefinition(name: "lab", kind: "helper", program: "mount.../x"), "letters, digits"),
            (TypeDefinition(name: "lab", kind: "helper", source: "path"), "source is 'path'"),
            (TypeDefinition(name: "lab", kind: "helper", options: ["suid"]), "no administrator can allow"),
            (TypeDefinition(name: "lab", kind: "helper", options: ["dev"]), "no administrator can allow"),
            (TypeDefinition(name: "lab", kind: "helper", options: ["a", "a=number"]), "there already"),
            (TypeDefinition(name: "lab", kind: "helper", options: ["a=path"]), "kind 'path'"),
            (TypeDefinition(name: "lab", kind: "helper", options: ["-o"]), "letters, digits"),
            (TypeDefinition(name: "lab", kind: "helper", options: [""]), "letters, digits"),
            (TypeDefinition(name: "lab", kind: "external", options: ["a"]), "neither a program nor options"),
            (TypeDefinition(name: "lab", kind: "external", program: "mount.lab"), "neither a program nor options"),
            (TypeDefinition(name: "nfs", kind: "helper"), "only options can be added"),
            (TypeDefinition(name: "nfs", program: "mount.x"), "only options can be added"),
            (TypeDefinition(name: "nfs", options: ["vers"]), "there already"),
            (TypeDefinition(name: "gpfs", options: ["a"]), "has no options"),
        ] {
            let error = try #require(refusal(definition), "\(definition)")
            #expect(error.code == .invalidArgument)
            #expect(error.message.contains(expected), "\(error)")
            #expect(error.message.hasPrefix("the type '\(definition.name)': "), "\(error)")
        }
    }
}
