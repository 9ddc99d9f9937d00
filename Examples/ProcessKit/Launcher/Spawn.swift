#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Starts a process with posix_spawn.
///
/// Not with Foundation's `Process` or swift-subprocess: neither hands a chosen extra descriptor to the child.
enum Spawn {
    /// - Parameter controlDescriptor: the child's end of its control channel, which it finds at
    ///   `ControlSocket.childDescriptor`.
    static func start(_ executable: String, arguments: [String], controlDescriptor: Int32) throws(ControlError) -> Int32
    {
        closeOthersOnExec()
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
            var extraFlags = POSIX_SPAWN_CLOEXEC_DEFAULT
        #else
            var actions = unsafe posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
            let extraFlags: Int32 = 0
        #endif
        // SAFETY, for every call below: both objects are initialised here, used by one thread, and destroyed on the way
        // out; the strings live until posix_spawn returns, which has read them by then.
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }

        // A child never reads the terminal, and what it prints (a crash, say) goes where errors go.
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDERR_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, controlDescriptor, ControlSocket.childDescriptor)

        // A process group of its own: the terminal's Ctrl-C reaches the launcher alone, which then ends everyone in
        // order. The launcher's signal mask and ignored signals are not the child's.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { unsafe sigaddset(&defaults, signal) }
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        let flags = Int32(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | Int32(extraFlags)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var argumentPointers = unsafe ([executable] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe argumentPointers.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let result = unsafe posix_spawn(&child, executable, &actions, &attributes, &argumentPointers, environ)
        guard result == 0 else { throw .system(call: "posix_spawn of \(executable)", errno: result) }
        return child
    }

    /// Marks every open descriptor but the standard three close-on-exec. The control channels are born so; the
    /// launcher's mesh connections are not, and a child that held one open would keep it from closing.
    private static func closeOthersOnExec() {
        // SAFETY: the directory is opened, read and closed here; each entry's name is read before the next is asked
        // for.
        guard let directory = unsafe opendir("/dev/fd") else { return }
        defer { unsafe closedir(directory) }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }
}
