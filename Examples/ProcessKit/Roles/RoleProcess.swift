import Dispatch

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The life of a child process: takes its configuration from the control channel, runs its role, and never outlives its
/// launcher.
package enum RoleProcess {
    /// How long a role has to finish once the channel has ended, before the process ends without it.
    private static let grace = DispatchTimeInterval.seconds(3)

    /// Runs `role` to its end.
    ///
    /// - Returns: the process's exit status.
    /// - Throws: `ControlError.notStartedByLauncher` when there is no control channel.
    package static func run<R: Role>(_ role: R.Type) async throws(ControlError) -> Int32 {
        guard ControlSocket.isPresent() else { throw .notStartedByLauncher }
        _ = fcntl(ControlSocket.childDescriptor, F_SETFD, FD_CLOEXEC)
        // A launcher that died is an error from send, not a signal.
        _ = signal(SIGPIPE, SIG_IGN)
        // On the channel's own thread and on Dispatch's clock: a role that is stuck, and the cooperative pool with it,
        // ends all the same.
        let channel = ControlChannel<RoleCommand, RoleReport>(adopting: ControlSocket.childDescriptor) {
            DispatchQueue.global().asyncAfter(deadline: .now() + grace) { _exit(EXIT_FAILURE) }
        }
        // The launcher is gone before it said what to do: nothing to undo.
        guard let first = try await channel.receive() else { return EXIT_FAILURE }
        guard case .start(let start) = first, let configuration = R.configuration(in: start) else {
            throw .unreadableMessage("it does not start this role")
        }
        let (requests, continuation) = AsyncStream.makeStream(of: RoleCommand.self)
        let control = RoleControl(channel: channel, requests: requests)
        async let listening: Void = listen(to: channel, continuation)
        let status: Int32
        do {
            try await R.run(configuration, control: control)
            status = EXIT_SUCCESS
        } catch {
            // A launcher that is gone cannot be told.
            try? control.report(.failed("\(error)"))
            status = EXIT_FAILURE
        }
        channel.close()
        await listening
        return status
    }

    /// Hands requests on until `stop`, and listens on until the channel ends, so that its end is always noticed. A
    /// message that cannot be read ends the role as the launcher's end does.
    private static func listen(
        to channel: ControlChannel<RoleCommand, RoleReport>, _ requests: AsyncStream<RoleCommand>.Continuation
    ) async {
        while let command = try? await channel.receive() {
            if command == .stop { requests.finish() } else { requests.yield(command) }
        }
        requests.finish()
    }
}
