// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
public import SystemPackage

/// Whether folders can be looked at in time: a server that is gone, or a dead FUSE daemon, lets everybody wait who asks
/// its filesystem.
public enum FolderReach {
    /// How long a filesystem may take to answer for the first time.
    public static let patience = Duration.seconds(10)
    /// How to find out why one does not.
    public static let advice = """
        see with 'findmnt' what is mounted there or above, and in the kernel's log ('dmesg') which server or device \
        does not answer
        """

    /// Those of the folders that have not answered within the limit, be it with an error.
    ///
    /// Blocks no longer than the limit. Each look has a thread of its own, which stays where a filesystem never
    /// answers: for programs that begin, or end soon.
    public static func silent(among folders: [FilePath], within limit: Duration = patience) -> [FilePath] {
        silent(among: folders, within: limit) { folder in
            // The names too: what is asked first may be remembered.
            _ = FolderFacts(lookingAt: folder).sizes(ofNamesBeginningWith: "/")
        }
    }

    static func silent(
        among folders: [FilePath], within limit: Duration, looking: @escaping @Sendable (FilePath) -> Void
    ) -> [FilePath] {
        let deadline = DispatchTime.now() + .nanoseconds(Int(limit / .nanoseconds(1)))
        let looks = folders.map { folder in
            let answered = DispatchSemaphore(value: 0)
            let look = Look {
                looking(folder)
                answered.signal()
            }
            look.begin()
            return answered
        }
        return zip(folders, looks).filter { $1.wait(timeout: deadline) == .timedOut }.map(\.0)
    }
}

/// Work on a thread of its own: those of a pool may all hang already.
private final class Look {
    private let work: () -> Void

    init(_ work: @escaping () -> Void) { self.work = work }

    /// Begins (`man 3 pthread_create`), or does the work here where there can be no thread.
    func begin() {
        var thread = pthread_t()
        let kept = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { kept in
                if let kept { Unmanaged<Look>.fromOpaque(kept).takeRetainedValue().work() }
                return nil
            }, kept.toOpaque())
        if result == 0 {
            pthread_detach(thread)
        } else {
            kept.release()
            work()
        }
    }
}
