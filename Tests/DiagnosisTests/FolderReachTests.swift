// SPDX-License-Identifier: Apache-2.0

import Dispatch
import SystemPackage
import Testing

@testable import Diagnosis

@Suite("Which folders do not answer")
struct FolderReachTests {
    @Test("however many hang, those that answer are not among them")
    func many() {
        let hanging = (0..<200).map { FilePath("/hangs/\($0)") }
        let end = DispatchSemaphore(value: 0)
        let silent = FolderReach.silent(among: hanging + ["/answers"], within: .seconds(2)) { folder in
            if folder != "/answers" { end.wait() }
        }
        #expect(silent == hanging)
        for _ in hanging { end.signal() }
    }
}
