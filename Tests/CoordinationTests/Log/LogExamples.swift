import Coordination
import MeshWire
import MeshworkTesting
import NIOCore

/// What tests of logs share.
enum LogExample {
    /// The records that an opened log gave out.
    struct Opened: Sendable {
        var log: WriteAheadLog
        var report: LogReport
        var snapshot: [String]
        var entries: [String]
        var all: [String] { snapshot + entries }
    }

    static func open(
        _ folder: String = "log", on runtime: any Runtime, limits: WriteAheadLogLimits = WriteAheadLogLimits()
    ) async throws(LogFileError) -> Opened {
        var (snapshot, entries) = ([String](), [String]())
        let (log, report) = try await WriteAheadLog.open(folder, on: runtime, limits: limits) { record in
            let text = String(buffer: record.payload)
            if record.kind == .snapshot { snapshot.append(text) } else { entries.append(text) }
        }
        return Opened(log: log, report: report, snapshot: snapshot, entries: entries)
    }

    /// Runs `body`; returns the error that it throws.
    static func error(_ body: () async throws(LogFileError) -> Void) async -> LogFileError? {
        do throws(LogFileError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }
}

extension WriteAheadLog {
    /// Appends a record and waits until it is synced.
    func keep(_ text: String) async throws(LogFileError) {
        let position = try append(ByteBuffer(string: text))
        try await synced(through: position, until: runtimeEnd)
    }

    /// A deadline that does not come.
    var runtimeEnd: RuntimeInstant { RuntimeInstant(nanoseconds: .max) }
}
