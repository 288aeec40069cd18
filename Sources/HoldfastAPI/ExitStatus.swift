// SPDX-License-Identifier: Apache-2.0

public import MountModel

/// The exit statuses of the command line, after `man 3 sysexits.h`.
public enum ExitStatus: Int32, Sendable {
    /// It did what was asked.
    case success = 0
    /// `verify` was carried out and found a difference; below the range of sysexits, as `diff` and `grep` use it.
    case difference = 1
    /// EX_USAGE: the command line is wrong.
    case usage = 64
    /// EX_DATAERR: the daemon refused an argument.
    case invalidArgument = 65
    /// EX_NOINPUT: there is no such mount, attachment or source.
    case notFound = 66
    /// EX_UNAVAILABLE: the daemon is not there, or it cannot do this at all.
    case unavailable = 69
    /// EX_SOFTWARE: a defect, or an answer that makes no sense.
    case `internal` = 70
    /// EX_CANTCREAT: the mount failed.
    case mountFailed = 73
    /// EX_IOERR: the output could not be written.
    case outputFailed = 74
    /// EX_TEMPFAIL: it may work later.
    case tryAgain = 75
    /// EX_NOPERM: not allowed.
    case permissionDenied = 77
}

extension MountError.Code {
    /// The one table from codes to exit statuses.
    public var exitStatus: ExitStatus {
        switch self {
        case .invalidArgument: .invalidArgument
        case .notFound: .notFound
        case .mountFailed: .mountFailed
        case .permissionDenied: .permissionDenied
        // What holds it up is somebody else's to end, `foreign` included: the same command may work later.
        case .busy, .conflict, .foreign, .timedOut, .stuck, .cancelled, .resourceExhausted: .tryAgain
        // Not `tryAgain`: this daemon on this kernel will not support it the next time either.
        case .unavailable, .unsupported: .unavailable
        case .internal: .internal
        }
    }
}

extension Problem {
    /// The exit status for the problem's code; one that this version does not know is `internal`.
    public var exitStatus: ExitStatus { knownCode?.exitStatus ?? .internal }
}
