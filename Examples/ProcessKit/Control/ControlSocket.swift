#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Descriptors of the control channel.
enum ControlSocket {
    /// Where a child finds its end: the first descriptor after the standard three.
    static let childDescriptor: Int32 = 3

    /// A connected pair, both ends closed on exec. The numbers are above `childDescriptor`, so that moving the child's
    /// end there is a real `dup2`, which clears close-on-exec.
    static func pair() throws(ControlError) -> (launcher: Int32, child: Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Darwin)
            // SAFETY: the array holds the two numbers that the call writes.
            let result = unsafe socketpair(AF_UNIX, SOCK_STREAM, 0, &ends)
        #else
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            // SAFETY: the array holds the two numbers that the call writes.
            let result = unsafe socketpair(AF_UNIX, kind, 0, &ends)
        #endif
        guard result == 0 else { throw .system(call: "socketpair", errno: errno) }
        return (try raised(ends[0]), try raised(ends[1]))
    }

    /// Whether a socket stands at `childDescriptor`.
    static func isPresent() -> Bool {
        var type: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // SAFETY: getsockopt fills the two locals that it is given; it fails for what is no socket.
        return unsafe getsockopt(childDescriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0
    }

    private static func raised(_ descriptor: Int32) throws(ControlError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, childDescriptor + 1)
        let code = errno
        close(descriptor)
        guard copy >= 0 else { throw .system(call: "fcntl", errno: code) }
        return copy
    }
}
