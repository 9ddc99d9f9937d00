public import Logging
import Synchronization

/// A log that tests read, and wait for.
///
/// ```swift
/// let log = LogCapture()
/// let mesh = try Mesh(identity: identity, policy: policy, logger: log.logger)
/// …
/// let record = await log.first("handshake failed")
/// #expect(record.metadata["address"]?.hasPrefix("127.0.0.1") == true)
/// ```
/// It keeps every record from level `debug` on, in memory, and prints none. Safe to use from any task: its state is
/// guarded by one mutex.
public final class LogCapture: Sendable {
    /// One line of the log.
    public struct Record: Sendable {
        /// How serious it is.
        public let level: Logger.Level
        /// What happened, without what it happened to.
        public let message: String
        /// What it happened to; the logger's own metadata included.
        public let metadata: [String: String]

        static let nothing = Record(level: .trace, message: "", metadata: [:])
    }

    private struct Waiter {
        let number: Int
        let message: String
        let continuation: CheckedContinuation<Record, Never>
    }

    private struct State {
        var records: [Record] = []
        var waiters: [Waiter] = []
        /// How many have come to wait.
        var arrivals = 0
    }
    private let state = Mutex(State())

    /// Makes an empty log.
    public init() {}

    /// All records so far, in the order in which they were logged.
    public var records: [Record] { state.withLock { $0.records } }

    /// Writes to this log.
    public var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(capture: self) }
        logger.logLevel = .debug
        return logger
    }

    /// The first record of `message`, which may be yet to come; an empty one when the task is cancelled before.
    public func first(_ message: String) async -> Record {
        let number = state.withLock { state in
            state.arrivals += 1
            return state.arrivals
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let found: Record? = state.withLock { state in
                    if let found = state.records.first(where: { $0.message == message }) { return found }
                    if Task.isCancelled { return .nothing }
                    state.waiters.append(Waiter(number: number, message: message, continuation: continuation))
                    return nil
                }
                if let found { continuation.resume(returning: found) }
            }
        } onCancel: {
            wake(with: .nothing) { $0.number == number }
        }
    }

    /// The records of `message` so far.
    public func all(_ message: String) -> [Record] { records.filter { $0.message == message } }

    private func add(_ record: Record) {
        state.withLock { $0.records.append(record) }
        wake(with: record) { $0.message == record.message }
    }

    private func wake(with record: Record, _ isMeant: (Waiter) -> Bool) {
        let woken = state.withLock { state in
            let woken = state.waiters.filter(isMeant)
            state.waiters.removeAll(where: isMeant)
            return woken
        }
        for waiter in woken { waiter.continuation.resume(returning: record) }
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var logLevel: Logger.Level = .debug
        var metadata: Logger.Metadata = [:]

        init(capture: LogCapture) { self.capture = capture }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            capture.add(
                Record(level: event.level, message: "\(event.message)", metadata: all.mapValues { "\($0)" }))
        }
    }
}
