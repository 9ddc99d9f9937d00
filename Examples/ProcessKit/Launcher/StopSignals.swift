import Dispatch

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The signals that ask the launcher to stop: Ctrl-C, `kill`, and the terminal's end.
package struct StopSignals: Sendable {
    /// Thrown where one arrived; the launcher then ends its children and exits as a shell expects.
    package struct Received: Error, CustomStringConvertible {
        package var signal: Int32
        /// Whether the program had nothing left to do but to wait for it.
        package var wasExpected = false

        /// 0 when it was expected, else 128 and the signal's number, as shells report it.
        package var exitStatus: Int32 { wasExpected ? 0 : 128 + signal }

        package var description: String { "stopped by signal \(signal)" }
    }

    /// The first of them.
    package static func first() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self, bufferingPolicy: .bufferingOldest(1))
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            // The default action would end the process before the source hears of it.
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.activate()
            return source
        }
        defer { for source in sources { source.cancel() } }
        for await number in stream { throw Received(signal: number) }
        try Task.checkCancellation()
    }
}
