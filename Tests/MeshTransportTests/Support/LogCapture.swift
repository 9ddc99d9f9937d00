import Logging
import Synchronization

/// A log that tests read, and wait for.
final class LogCapture: Sendable {
    struct Record: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: [String: String]

        static let nothing = Record(level: .trace, message: "", metadata: [:])
    }

    private struct State {
        var records: [Record] = []
        var waiters: [(test: @Sendable (Record) -> Bool, continuation: CheckedContinuation<Record, Never>)] = []
    }
    private let state = Mutex(State())

    var records: [Record] { state.withLock { $0.records } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(capture: self) }
        logger.logLevel = .debug
        return logger
    }

    /// The first record of `message`, which may be yet to come; an empty one when the task is cancelled before.
    func first(_ message: String) async -> Record {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let found: Record? = state.withLock { state in
                    if let found = state.records.first(where: { $0.message == message }) { return found }
                    if Task.isCancelled { return .nothing }
                    state.waiters.append(({ $0.message == message }, continuation))
                    return nil
                }
                if let found { continuation.resume(returning: found) }
            }
        } onCancel: {
            let waiters = state.withLock { state in
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.continuation.resume(returning: .nothing) }
        }
    }

    private func add(_ record: Record) {
        let woken = state.withLock { state in
            state.records.append(record)
            let woken = state.waiters.filter { $0.test(record) }
            state.waiters.removeAll { $0.test(record) }
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
