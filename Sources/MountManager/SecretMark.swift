// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import MountModel

/// Tells equal secrets from others without keeping them: HMAC-SHA256 under a key that is random, and nowhere but in the
/// memory of this process. Nobody else can try secrets against a mark, nor can a process that is started later.
struct SecretMark: Sendable {
    private let key = SymmetricKey(size: .bits256)

    /// The mark of these secrets, by the names of their options.
    func digest(of secrets: [String: Secret]) -> String {
        var code = HMAC<SHA256>(key: key)
        // Neither a name nor a secret has a NUL.
        for (name, secret) in secrets.sorted(by: { $0.key < $1.key }) {
            code.update(data: Array(name.utf8) + [0] + secret.content + [0])
        }
        let digits = Array("0123456789abcdef")
        return String(code.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
