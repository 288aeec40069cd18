// SPDX-License-Identifier: Apache-2.0

import Filesystems
import MountModel
import Testing

@Suite struct SecretTests {
    private static let text = "hunter2"
    /// The options whose content may come with a request.
    private static let options = [
        ("ceph", "secretfile", ["name=bob"]), ("ceph-fuse", "keyring", []), ("cifs", "credentials", []),
        ("davfs", "secrets", []), ("s3fs", "passwd_file", []), ("sshfs", "IdentityFile", []),
    ]

    private func source(
        _ type: String, _ options: [String], _ secrets: [String: Secret]
    ) throws(MountError) -> MountSource {
        try catalog.source(
            type: FilesystemType(rawValue: type), source: sample(type).source, options: options, secrets: secrets)
    }

    private func refusalWithSecrets(_ type: String, _ options: [String], _ secrets: [String: String]) -> MountError? {
        do throws(MountError) {
            _ = try source(type, options, secrets.mapValues { Secret($0) })
            return nil
        } catch {
            return error
        }
    }

    @Test("it is 'inline' among the options, and a file of its content in the recipe", arguments: options)
    func inline(type: String, option: String, others: [String]) throws {
        let secrets = [option: Secret(Self.text)]
        let source = try source(type, others, secrets)
        #expect(source.options.map(\.description) == (others + ["\(option)=inline"]).sorted())
        #expect(catalog.inlineOptions(of: source) == [option])
        let content = MountRecipe.Parameter.content(option, Array("\(Self.text)\n".utf8), isSecret: true)
        let recipe = try catalog.recipe(for: source, secrets: secrets)
        #expect(recipe.parameters.contains(content))
        #expect(content.description == "\(option)=***")
        // As it is told with a file.
        let path = try parse(type, others + ["\(option)=/etc/file"])
        #expect(try catalog.recipe(for: path).medium == recipe.medium)
        #expect(catalog.inlineOptions(of: path) == [])
        // What is only looked at needs no secret.
        #expect(try catalog.recipe(for: source).attributes == recipe.attributes)
        #expect(!"\(source) \(recipe)".contains(Self.text))
    }

    @Test("these options take one, and no others")
    func all() {
        let known = Self.options.map { "\($0.0) \($0.1)" }
        for entry in catalog.entries {
            for rule in entry.options {
                let error = refusalWithSecrets(entry.type.rawValue, [], [rule.name: Self.text])
                let isTaken = error?.message.contains("takes no secret") != true
                let isKnown = known.contains("\(entry.type) \(rule.name)") || rule.isConfiguration
                #expect(isTaken == isKnown, "\(entry.type) \(rule.name): \(error?.message ?? "")")
            }
        }
    }

    @Test(
        "what is no secret, or cannot be one, is refused and not shown",
        arguments: [
            ("sshfs", [], "port", text, "option 'port' of type 'sshfs' takes no secret"),
            ("sshfs", [], "UserKnownHostsFile", text, "takes no secret"),
            ("sshfs", [], "IdentifyFile", text, "type 'sshfs' has no option 'IdentifyFile'"),
            ("sshfs", [], "password_stdin", text, "is refused"), ("tmpfs", [], "size", text, "takes no secret"),
            ("gpfs", [], "key", text, "has no option 'key'"),
            ("rclone", [], "config", "type = \(text)", "can say what else is done as root"),
            ("sshfs", ["IdentityFile=/etc/key"], "IdentityFile", text, "given twice: as a path and as a secret"),
            ("sshfs", [], "IdentityFile", "", "is empty"), ("sshfs", [], "IdentityFile", text + "\0", "has a NUL byte"),
            ("sshfs", [], "IdentityFile", String(repeating: text, count: 1200), "8401 bytes long; at most 8192"),
            ("cifs", ["guest"], "credentials", text, "contradict each other"),
            ("ceph", [], "secretfile", text, "needs option 'name'"),
        ])
    func refused(type: String, options: [String], name: String, secret: String, says: String) throws {
        let error = try #require(refusalWithSecrets(type, options, [name: secret]))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(says), "\(error)")
        #expect(!"\(error) \(error.context)".contains(Self.text))
    }

    @Test("the command that shows why ssh fails names no file for a key that came with the request")
    func trial() throws {
        let source = try source("sshfs", [], ["IdentityFile": Secret(Self.text)])
        #expect(source.trialCommand?.contains(" -i KEY-FILE ") == true, "\(source.trialCommand ?? "")")
    }

    @Test("'inline' is nothing that a caller can write")
    func written() {
        #expect(refusal("sshfs", ["IdentityFile=inline"])?.message.contains("absolute path") == true)
    }
}
