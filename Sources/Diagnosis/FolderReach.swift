// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
public import SystemPackage

/// Whether folders can be looked at in time: a server that is gone, or a dead FUSE daemon, lets everybody wait who asks
/// its filesystem.
public enum FolderReach {
    /// How long a filesystem may take to answer for the first time.
    public static let patience = Duration.seconds(10)

    /// Those of the folders that have not answered within the limit, be it with an error.
    ///
    /// Blocks no longer than the limit. Each look has a thread of its own, which stays where a filesystem never
    /// answers: for programs that begin, or end soon.
    public static func silent(among folders: [FilePath], within limit: Duration = patience) -> [FilePath] {
        let deadline = DispatchTime.now() + .nanoseconds(Int(limit / .nanoseconds(1)))
        let looks = folders.map { folder in
            let answered = DispatchSemaphore(value: 0)
            DispatchQueue.global().async {
                // The names too: what is asked first may be remembered.
                _ = FolderFacts(lookingAt: folder).sizes(ofNamesBeginningWith: "/")
                answered.signal()
            }
            return answered
        }
        return zip(folders, looks).filter { $1.wait(timeout: deadline) == .timedOut }.map(\.0)
    }
}
