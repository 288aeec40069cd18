// SPDX-License-Identifier: Apache-2.0

package import LinuxMount
public import MountWorker

/// A hook that is told before and after each step that changes the kernel's state, on the thread that makes it.
///
/// Tests stop or kill the process there; the product passes `none`.
public struct ExecutorSteps: Sendable {
    /// Called at each step; may block, and need not return.
    public var reached: @Sendable (Step) -> Void
    /// The same for the single system calls, in debug builds.
    package var kernel: KernelSteps

    /// Wraps the hook.
    public init(reached: @escaping @Sendable (Step) -> Void) { self.init(kernel: .none, reached: reached) }

    /// Wraps both hooks.
    package init(kernel: KernelSteps, reached: @escaping @Sendable (Step) -> Void) {
        self.kernel = kernel
        self.reached = reached
    }

    /// Does nothing.
    public static let none = ExecutorSteps { _ in }

    /// The steps by name.
    public typealias Step = OperationStep
}
