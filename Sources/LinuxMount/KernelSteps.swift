// SPDX-License-Identifier: Apache-2.0

/// A hook that is told before and after each system call that changes mounts, their folders or loop devices, on the thread
/// that makes it: tests stop or kill the process there.
///
/// It holds for what is called inside `bound`, and reaches the calls as a task-local value: they are many and deep, and a
/// parameter on each would be there for tests only. Release builds have no hook: nothing of this is left in them.
public struct KernelSteps: Sendable {
    /// Called at each point; may block, and need not return.
    public var reached: @Sendable (Point) -> Void

    /// Wraps the hook.
    public init(reached: @escaping @Sendable (Point) -> Void) { self.reached = reached }

    /// Does nothing.
    public static let none = KernelSteps { _ in }

    /// Before or after one of the calls.
    public struct Point: Hashable, Sendable {
        /// The call.
        public let call: KernelCall
        /// Whether it has been made.
        public let moment: Moment

        /// Before or after.
        public enum Moment: String, Hashable, Sendable, CaseIterable { case before, after }

        /// `park.move_mount.after`.
        public var name: String { "\(call.rawValue).\(moment.rawValue)" }

        /// All there are.
        public static var all: [Point] {
            KernelCall.allCases.flatMap { call in Moment.allCases.map { Point(call: call, moment: $0) } }
        }
    }

    #if DEBUG
        @TaskLocal static var current: KernelSteps?

        /// Tells this hook of what the body calls on this thread.
        public func bound<Value, Failure>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
            try Self.$current.withValue(self) { Result(catching: body) }.get()
        }
    #else
        /// Runs the body.
        @inline(__always)
        public func bound<Value, Failure>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
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
