import Coordination
import Foundation
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor
import Testing

@testable import ParameterServer
@testable import Telemetry

/// What servers count and show: `Documentation/Behaviours/ParameterServerTelemetry.md`.
@Suite(.timeLimit(.minutes(5))) struct ServerTelemetryTests {
    /// The metrics of a job of two servers with logs, one worker, and 3 steps, after the servers have looked.
    private static func metrics() async throws -> MetricsRegistry {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .process)
        return try await ReplicatedJob.run(seed: 1, servers: 2, replicas: 1, configuration: configuration) { job in
            let outcome = try await job.work(slot: 0, steps: 3)
            #expect(outcome.errors.isEmpty)
            let reader = try job.cluster.reader()
            let snapshot = try await reader.snapshot()
            await snapshot.release()
            reader.close()
            try await job.runtime.sleep(for: .seconds(7))
            return job.cluster.metrics
        }
    }

    private static func lines(_ metrics: MetricsRegistry) -> [String] {
        String(decoding: PrometheusText.render(metrics), as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("parameter_") }
    }

    @Test("the page lists every metric of a server, with its kind and labels, and no other")
    func page() async throws {
        let page = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../../Documentation/Behaviours/ParameterServerTelemetry.md"),
            encoding: .utf8)
        let listed = page.split(separator: "\n").filter { $0.hasPrefix("| `parameter_") }.map { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let labels = cells[2].split(separator: "`").filter { $0 != ", " && $0 != "–" }
            return "\(cells[0].dropFirst().dropLast()) \(cells[1]) \(labels.joined(separator: ","))"
        }
        let families = try await Self.metrics().allFamilies().filter { $0.name.hasPrefix("parameter_") }
        let actual = families.map { family in
            let kind =
                switch family {
                case .counter: "counter"
                case .gauge: "gauge"
                case .histogram, .values: "histogram"
                case .open: "open"
                }
            return "\(family.name) \(kind) \(family.labels.joined(separator: ","))"
        }
        #expect(listed.sorted() == actual.sorted())
    }

    @Test("a scrape shows pushes and pulls by table, what ledgers and logs hold, and each limit beside its use")
    func exposition() async throws {
        let lines = try await Self.lines(Self.metrics())
        for expected in [
            #"parameter_pushes_total{table="bias",outcome="applied"} 3"#,
            #"parameter_pushes_total{table="weight",outcome="applied"} 9"#,
            #"parameter_pushes_total{table="weight",outcome="duplicate"} 0"#,
            #"parameter_push_seconds_count{table="weight"} 9"#, #"parameter_apply_seconds_count{table="bias"} 3"#,
            #"parameter_pull_seconds_count{table="weight"} 9"#, #"parameter_staleness_count{table="weight"} 9"#,
            #"parameter_staleness_bucket{table="weight",le="1.0"} 9"#, #"parameter_push_bytes{of="unanswered"} 0.0"#,
            #"parameter_push_bytes{of="limit"} 1073741824.0"#, #"parameter_ledger_sessions{of="limit"} 65536.0"#,
            #"parameter_snapshot_ends_total{why="released"} 2"#, #"parameter_snapshots{of="kept"} 0.0"#,
            #"parameter_waits{for="chain"} 0.0"#,
        ] {
            #expect(lines.contains(expected), "\(expected)")
        }
        func value(_ sample: String) -> Double? {
            lines.first { $0.hasPrefix(sample + " ") }.flatMap { Double($0.split(separator: " ")[1]) }
        }
        #expect(value(#"parameter_ledger_sessions{of="fullest"}"#) == 1)
        #expect(value(#"parameter_log_position{of="written"}"#) ?? 0 > 10)
        #expect(value(#"parameter_log_bytes{of="used"}"#) ?? 0 > 1_000)
        #expect(value(#"parameter_ledger_bytes"#) ?? 0 > 100)
        #expect(value(#"parameter_worker_behind_pushes{slot="0"}"#) == 0)
        let limited = Set(lines.filter { $0.contains(#"of="limit""#) }.compactMap { $0.split(separator: "{").first })
        #expect(limited.count > 12)
        for family in limited {
            let used = lines.contains { $0.hasPrefix(family + "{") && !$0.contains(#"of="limit""#) }
            #expect(used, "\(family) has a limit and no use")
        }
    }

    @Test("what a NaN, a wrong size, a copy and a fenced session came to is counted by table, and staleness with it")
    func outcomes() async throws {
        let metrics = MetricsRegistry()
        let partition = try Example.partition(Example.table(), metrics: metrics)
        for push in [
            try Example.push(1), try Example.push(1), try Example.push(2, gradient: [1, 1, .nan, 1]),
            try Example.push(3, gradient: [1]), try Example.push(4, of: Example.session(0)), try Example.push(4),
        ] {
            _ = await partition.push(push)
        }
        let pushes = metrics.counter("parameter_pushes_total", help: "", labels: "table", "outcome")
        let counts = ["applied", "duplicate", "nonfinite", "rejected", "fenced", "refused"].map {
            pushes.series("weight", $0).value
        }
        #expect(counts == [2, 1, 1, 1, 1, 0])
        #expect(metrics.values("parameter_staleness", help: "", labels: "table").series("weight").count == 2)
    }

    @Test("how far a follower lags is its records, their bytes and their age; one that follows no more lags by nothing")
    func followerLag() throws {
        var window = RecordWindow(after: 0)
        for position in 1...3 as ClosedRange<UInt64> {
            window.append(
                PartitionRecord(position: position, epoch: 1, change: .epoch(intactSince: 1)),
                at: RuntimeInstant(nanoseconds: Int64(position) * 1_000_000_000))
        }
        let metrics = MetricsRegistry()
        let gauges = FollowerLagGauges(metrics)
        var lag = FollowerLag()
        lag.add(window)
        lag.add(window)
        gauges.tell(["b": lag], RuntimeInstant(nanoseconds: 5_000_000_000))
        func values() -> [Double] {
            ["records", "bytes", "seconds"].map {
                metrics.gauge("parameter_follower_lag_\($0)", help: "", labels: "follower").series("b").value
            }
        }
        #expect(values() == [6, Double(2 * window.bytes), 4])
        gauges.tell([:], RuntimeInstant(nanoseconds: 6_000_000_000))
        #expect(values() == [0, 0, 0])
    }

    @Test(
        "of the attempts of a push whose answers are lost one says that it was applied, the others that they are copies"
    )
    func spans() async throws {
        let (client, server) = (SpanRing(capacity: 8_192), SpanRing(capacity: 8_192))
        func tracing(_ ring: SpanRing) -> TracingConfiguration {
            var tracing = TracingConfiguration(sink: ring)
            tracing.sampler = .always
            return tracing
        }
        let (ofClient, ofServer) = (tracing(client), tracing(server))
        try await SimulatedRuntime.run(seed: 6) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            let (host, address) = try await cluster.listeningServer(0, tracing: ofServer)
            try await host.register(at: address)
            let faults = SeededFaults(seed: 9, replyLoss: 0.3, isAffected: { $0 == "meshwork.Parameters/Push" })
            let worker = try await cluster.client(cluster.mesh("/worker/0", faults: faults, tracing: ofClient))
            try await worker.declare([try Example.table(partitions: 2)])
            for _ in 0..<30 {
                let report = try await worker.push(NamedTensors([("weight", .full([4], Float(1)))]))
                #expect(report.failed.isEmpty)
            }
            let poisoned = try await worker.push(NamedTensors([("weight", .full([4], Float(1)))]), rows: [:])
            #expect(poisoned.failed.isEmpty)
            worker.close()
        }
        let attempts = Set(server.spans.filter { $0.kind == .server }.map(\.context.spanID))
        let pushes = server.spans.filter { $0.name == "meshwork.Parameters/Push partition" }
        #expect(pushes.allSatisfy { span in span.parent.map { attempts.contains($0) } == true })
        func text(_ span: SpanRecord, _ key: String) -> String {
            guard let value = span.attributes.first(where: { $0.key == key })?.value else { return "none" }
            return "\(value)"
        }
        let bySequence = Dictionary(grouping: pushes) {
            "\(text($0, "meshwork.partition")) \(text($0, "meshwork.session")) \(text($0, "meshwork.sequence"))"
        }
        #expect(bySequence.count == 62)
        var copies = 0
        for (push, spans) in bySequence {
            let outcomes = spans.map { text($0, "meshwork.outcome") }
            #expect(outcomes.filter { $0.contains("applied") }.count == 1, "\(push): \(outcomes)")
            copies += outcomes.filter { $0.contains("duplicate") }.count
            #expect(outcomes.allSatisfy { $0.contains("applied") || $0.contains("duplicate") })
        }
        #expect(copies > 0)
        // Each attempt of the client leads to what came of it.
        let sent = Set(client.spans.map(\.context.traceID))
        #expect(pushes.allSatisfy { sent.contains($0.context.traceID) })
    }
}
