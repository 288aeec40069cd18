// SPDX-License-Identifier: Apache-2.0

/// A hook that is told before and after each system call that changes mounts, their folders or loop devices, on the
/// thread that makes it: tests stop or kill the process there.
///
/// It holds for what is called inside `bound`, and reaches the calls as a task-local value: they are many and deep, and
/// a parameter on each would be there for tests only. Release builds have no hook: nothing of this is left in them.
package struct KernelSteps: Sendable {
    /// Called at each point; may block, and need not return.
    package var reached: @Sendable (Point) -> Void

    /// Wraps the hook.
    package init(reached: @escaping @Sendable (Point) -> Void) { self.reached = reached }

    /// Does nothing.
    package static let none = KernelSteps { _ in }

    /// Before or after one of the calls.
    package struct Point: Hashable, Sendable {
        /// The call.
        package let call: KernelCall
        /// Whether it has been made.
        package let moment: Moment

        /// Before or after.
        package enum Moment: String, Hashable, Sendable, CaseIterable { case before, after }

        /// `park.move_mount.after`.
        package var name: String { "\(call.rawValue).\(moment.rawValue)" }

        /// All there are.
        package static var all: [Point] {
            KernelCall.allCases.flatMap { call in Moment.allCases.map { Point(call: call, moment: $0) } }
        }
    }

    #if DEBUG
        @TaskLocal static var current: KernelSteps?

        /// Tells this hook of what the body calls on this thread.
        package func bound<Value, Failure>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
            try Self.$current.withValue(self) { Result(catching: body) }.get()
        }
    #else
        /// Runs the body.
        @inline(__always)
        package func bound<Value, Failure>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
            try body()
        }
    #endif
}

extension KernelCall {
    /// Makes the call, and tells the hook before and after it.
    @inline(__always) func made(_ call: () -> CInt) -> CInt {
        #if DEBUG
            guard let steps = KernelSteps.current else { return call() }
            steps.reached(KernelSteps.Point(call: self, moment: .before))
            let answer = call()
            steps.reached(KernelSteps.Point(call: self, moment: .after))
            return answer
        #else
            return call()
        #endif
    }
}
