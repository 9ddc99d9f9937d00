#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Which thread a tape belongs to.
///
/// A tape lives within one synchronous call, which runs on one thread from its start to its end and shares it with no
/// other task meanwhile; so "the same task" can be asked as "the same thread", which costs a register read.
struct ThreadIdentity {
    private let thread: pthread_t

    static var current: ThreadIdentity { ThreadIdentity(thread: pthread_self()) }

    var isCurrent: Bool { pthread_equal(thread, pthread_self()) != 0 }
}
