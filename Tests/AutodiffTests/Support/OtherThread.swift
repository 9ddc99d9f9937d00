import Foundation

/// A thread that runs one closure, for the tests of what another thread must not do.
final class OtherThread: @unchecked Sendable {
    // Sendable: the condition guards the flag, and the closure is called once, on the thread.
    private let condition = NSCondition()
    private var hasEnded = false

    init(_ body: @escaping @Sendable () -> Void) {
        Thread.detachNewThread { [self] in
            body()
            condition.withLock {
                hasEnded = true
                condition.signal()
            }
        }
    }

    func join() {
        condition.withLock {
            while !hasEnded { condition.wait() }
        }
    }
}
