// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

/// Puts the process in order, then hands over to the commands.
@main
enum Main {
    static func main() {
        // A reader that has gone is EPIPE at the write, where it is told apart from a command that failed.
        signal(SIGPIPE, SIG_IGN)
        // Where 0, 1 or 2 is closed, the socket would get its number and the output would go to the daemon.
        var descriptor: Int32 = 0
        while (0...2).contains(descriptor) { descriptor = open("/dev/null", O_RDWR) }
        if descriptor > 2 { close(descriptor) }
        Holdfast.main()
    }
}
