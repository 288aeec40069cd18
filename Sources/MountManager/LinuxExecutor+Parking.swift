// SPDX-License-Identifier: Apache-2.0

internal import LinuxMount
internal import MountModel
internal import NIOConcurrencyHelpers

extension LinuxExecutor {
    /// Makes the parking lot anew where others have unmounted it.
    ///
    /// - Returns: why it could not be.
    func keepParking() -> MountError? {
        do throws(SystemCallError) {
            if try parking.keepAttached() { isParkingRenewed.withLockedValue { $0 = true } }
            return nil
        } catch {
            return .covered(parking.path, "the parking lot", by: root.table, failed: error)
        }
    }

    /// Whether it was made anew since this was asked last.
    func takeParkingRenewal() -> Bool {
        isParkingRenewed.withLockedValue { isRenewed in
            defer { isRenewed = false }
            return isRenewed
        }
    }
}
