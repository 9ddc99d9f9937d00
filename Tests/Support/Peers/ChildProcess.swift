import Foundation
import Synchronization

/// A program in a process group of its own, so that what it starts ends with it.
///
/// It inherits three descriptors and no other: a pipe that a third process holds open would have no end. Signals are as
/// at a program's start, whatever this process ignores or blocks.
final class ChildProcess: Sendable {
    /// More descriptors than tests have open.
    private static let inherited: Int32 = 1_024

    private let identifier: pid_t
    /// Guards the identifier: once the process is reaped, it may be another's.
    private let isReaped = Mutex(false)

    /// Starts a program, whose descriptors 0, 1 and 2 are `input`, `output` and `complaints`.
    init(
        _ executable: String, _ arguments: [String], input: FileHandle = .nullDevice, output: FileHandle = .nullDevice,
        complaints: FileHandle = .nullDevice
    ) throws {
        identifier = try Self.spawn(
            executable, arguments,
            [input.fileDescriptor, output.fileDescriptor, complaints.fileDescriptor])
    }

    /// Kills everything that belongs to it and still runs.
    func kill() {
        isReaped.withLock { isReaped in
            if !isReaped { Foundation.kill(-identifier, SIGKILL) }
        }
    }

    /// Blocks until the program ends, kills what it has left running, and returns its exit status, or 128 and the signal
    /// that ended it. Once only.
    func waitForEnd() -> Int32 {
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        return isReaped.withLock { isReaped in
            Foundation.kill(-identifier, SIGKILL)
            var status: Int32 = 0
            while unsafe waitpid(identifier, &status, 0) == -1, errno == EINTR {}
            isReaped = true
            // What the macros of wait(2) say, which Swift does not import.
            let signal = status & 0x7F
            return signal == 0 ? status >> 8 & 0xFF : 128 + signal
        }
    }

    private static func spawn(_ executable: String, _ arguments: [String], _ descriptors: [Int32]) throws -> pid_t {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
            let closing = POSIX_SPAWN_CLOEXEC_DEFAULT
        #else
            var actions = unsafe posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
            let closing: Int32 = 0
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for (number, descriptor) in descriptors.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        #if !canImport(Darwin)
            // No descriptor is an error that is not open; Swift sees no function that closes all of them.
            for descriptor in Int32(descriptors.count)..<inherited {
                unsafe posix_spawn_file_actions_addclose(&actions, descriptor)
            }
        #endif
        var (none, all) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int32(POSIX_SPAWN_SETPGROUP) | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags | closing))

        let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        // Copies for the call, which posix_spawn reads before it returns.
        var words = unsafe ([executable] + arguments).map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        var identifier: pid_t = 0
        let error = unsafe posix_spawn(&identifier, executable, &actions, &attributes, &words, &variables)
        guard error == 0 else { throw Peer.Failure("\(executable) cannot be started: error \(error)") }
        return identifier
    }
}
