import Dispatch
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// One process that the launcher started: its name for people, its control channel, and its end.
///
/// Safe to share: whether it has been reaped is guarded by a mutex, so that a signal never reaches a stranger that was
/// given the number of a child that is gone.
package final class ChildProcess: Sendable {
    package let name: String
    package let processIdentifier: Int32
    package let control: ControlChannel<RoleReport, RoleCommand>

    /// What the launcher has done to end the child.
    package enum Expectation: Sendable {
        /// Nothing: it should be running.
        case running
        /// Asked it to finish: it should exit with status 0.
        case finishing
        /// Killed it as part of the plan.
        case killed
    }

    private struct State {
        var status: ExitStatus?
        var expectation = Expectation.running
    }

    private let state = Mutex(State())
    private let reaping = DispatchQueue(label: "example.reap")

    /// Starts `executable`, whose end of the control channel is at descriptor 3 and which inherits nothing else but the
    /// standard three.
    ///
    /// - Throws: `ControlError.system` when the system cannot start it.
    package init(name: String, executable: String, arguments: [String]) throws(ControlError) {
        let ends = try ControlSocket.pair()
        self.name = name
        // From here on the channel closes the launcher's end, also when the start fails.
        control = ControlChannel(adopting: ends.launcher)
        defer { close(ends.child) }
        processIdentifier = try Spawn.start(executable, arguments: arguments, controlDescriptor: ends.child)
    }

    /// How the child should be, or should have ended.
    package var expectation: Expectation { state.withLock { $0.expectation } }

    /// How the child ended; nil until it has been reaped.
    package var status: ExitStatus? { state.withLock { $0.status } }

    /// Asks the child to finish.
    package func stop() {
        let before = state.withLock { state in
            defer { if state.expectation == .running { state.expectation = .finishing } }
            return state.expectation
        }
        do {
            try control.send(.stop)
        } catch {
            // It was gone before it was asked, so that is not why.
            state.withLock { $0.expectation = before }
        }
    }

    /// Kills the child at once, as part of the plan.
    package func kill() {
        state.withLock { $0.expectation = .killed }
        forceEnd()
    }

    /// Kills the child at once because it did not finish.
    package func forceEnd() {
        state.withLock { state in
            if state.status == nil { _ = systemKill(processIdentifier, SIGKILL) }
        }
    }

    /// How the child ended; waits until it has, and reaps it.
    package func waitForEnd() async -> ExitStatus {
        await withCheckedContinuation { continuation in
            reaping.async { continuation.resume(returning: self.waitBlocking()) }
        }
    }

    private func waitBlocking() -> ExitStatus {
        if let status = state.withLock({ $0.status }) { return status }
        // The wait itself leaves the child unreaped: its number stays its own until the lock is held.
        // SAFETY: all zeroes is a valid value of this C struct; nothing reads the pointers in it.
        var information = unsafe siginfo_t()
        var result: Int32
        repeat {
            // SAFETY: waitid fills the local that it is given.
            result = unsafe waitid(P_PID, id_t(processIdentifier), &information, WEXITED | WNOWAIT)
        } while result == -1 && errno == EINTR
        return state.withLock { state in
            var waitStatus: Int32 = 0
            // SAFETY: waitpid fills the local that it is given.
            _ = unsafe waitpid(processIdentifier, &waitStatus, 0)
            let status = ExitStatus(waitStatus: waitStatus)
            state.status = status
            return status
        }
    }
}

/// The system's `kill`, which the method of the same name hides.
private let systemKill = kill
