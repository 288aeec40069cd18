// SPDX-License-Identifier: Apache-2.0

import MountModel

extension FilesystemEntry {
    /// Buckets as folders (`man 1 s3fs`).
    static let s3fs = FilesystemEntry(
        type: FilesystemType(rawValue: "s3fs"),
        summary: "A bucket of an object store that speaks S3, or a folder of one.",
        source: .bucket,
        construction: .helper(
            HelperGrammar(
                program: "s3fs", kernelType: "fuse.s3fs",  // /tmp is small: what is sent in parts is kept meanwhile.
                words: ["-o", "allow_other", "-o", "tmpdir=/var/tmp"], style: .operandsFirst)),
        isNetwork: true,
        options: CommonOptions.all + [
            OptionRule(
                "passwd_file", .file(isSecret: true), groups: ["login"],
                summary: "one line: access key, ':', secret key"),
            OptionRule("public_bucket", .choice(["1"]), groups: ["login"], summary: "without keys"),
            OptionRule("url", .url, kernelDefault: "https://s3.amazonaws.com", summary: "where the store is"),
            OptionRule("endpoint", .name(maximumLength: 64), kernelDefault: "us-east-1", summary: "the store's region"),
            OptionRule("use_path_request_style", summary: "the bucket is in the path, not in the host's name"),
            OptionRule("sigv2", groups: ["signature"], summary: "only the old signature"),
            OptionRule("sigv4", groups: ["signature"], summary: "only the new signature"),
            OptionRule("uid", .identifier, summary: "the owner of files that have none"),
            OptionRule("gid", .identifier, summary: "the group of files that have none"),
            OptionRule("umask", .octal(0...0o777), summary: "permissions that are taken away from all files"),
            OptionRule("mp_umask", .octal(0...0o777), summary: "the same for the top folder"),
            OptionRule(
                "parallel_count", .integer(1...100), kernelDefault: "5", summary: "requests at a time for one file"),
            OptionRule("multipart_size", .integer(5...5120), kernelDefault: "10", summary: "MiB of one part of a file"),
            OptionRule(
                "connect_timeout", .integer(1...3600), kernelDefault: "300", summary: "seconds that connecting may take"
            ),
            OptionRule(
                "readwrite_timeout", .integer(1...3600), kernelDefault: "120", summary: "seconds without a byte"),
            OptionRule("retries", .integer(1...100), kernelDefault: "5", summary: "how often a request is tried again"),
            OptionRule(
                "storage_class", .choice(["standard", "standard_ia", "onezone_ia", "reduced_redundancy"]),
                kernelDefault: "standard", summary: "the class of new objects"),
            OptionRule("complement_stat", summary: "files that s3fs did not write can be seen by all"),
            OptionRule("compat_dir", summary: "folders that other programs made are seen"),
        ],
        refused: [
            RefusedOption("no_check_certificate", "anybody in between could read and change everything"),
            RefusedOption("ssl_verify_hostname", "it is always checked"),
            RefusedOption("allow_other", "it is always given"), RefusedOption("nonempty", "the mountpoint is empty"),
            RefusedOption("use_cache", "its folder would be shared, and is never emptied"),
            RefusedOption("credlib", isPrefix: true, "it names a library that would run as root"),
            RefusedOption("iam_role", "the host's own role is not for its consumers"),
            RefusedOption("ecs", "the host's own role is not for its consumers"),
            RefusedOption("ahbe_conf", "it adds headers to requests"),
        ],
        check: { (given) throws(MountError) in
            if given.contains("passwd_file") || given.contains("public_bucket") { return }
            throw .invalidArgument(
                "type 's3fs' needs option 'passwd_file'",
                hint: "or 'public_bucket=1'; passwd_file is \(OptionValue.file(isSecret: true).expectation)")
        })
}
