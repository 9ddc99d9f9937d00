import Foundation
import Telemetry
import TestSupport

/// What a process holds at a moment that must not grow while it runs.
struct ProcessFigures: Sendable {
    /// Bytes of memory that are resident.
    let memory: Int
    let descriptors: Int
    /// The samples of all metrics.
    let series: Int

    /// The figures of this process.
    init(_ registries: [MetricsRegistry]) throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS") }),
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw CocoaError(.fileReadCorruptFile) }
        memory = kilobytes << 10
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        series = registries.reduce(0) { $0 + $1.lines(of: "").count { !$0.hasPrefix("#") } }
    }
}
