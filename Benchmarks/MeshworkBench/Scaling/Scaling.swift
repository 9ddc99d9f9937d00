import Coordination
import MeshWire
import MeshworkTesting
import ParameterServer

/// `scaling`: what grows with workers, servers, parameters and bytes, beside the law that it should follow, in
/// simulations of the product's code: what leaves the law is a defect. `Scripts/plot-scaling.py` draws it.
///
/// Processor time is that of all simulated processes together. A point after those that a law takes its figures from
/// must be within 1.5 times what the law says, where caches run out within more.
enum Scaling: Benchmark {
    static let name = "scaling"
    static let summary = "1 to 256 workers, 64 servers, 100,000 parameters, 1 GiB and 1 TB modelled, beside their laws"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        var series = try await workers(isQuick ? [1, 4, 16] : [1, 4, 16, 64, 256], steps: 60)
        series += [try await windows(isQuick ? [1, 4, 16] : [1, 4, 16, 64, 256])]
        series += try await servers(isQuick ? [1, 4, 16] : [1, 4, 16, 64])
        let most = isQuick ? 1_000 : 100_000
        let (growing, reached) = try await parameters([1, 100, 1_000, 10_000, 100_000].filter { $0 <= most })
        series += growing
        series += lookups(isQuick ? [1, 100, 10_000] : [1, 10, 100, 1_000, 10_000, 100_000])
        let mostMebibytes = isQuick ? 16 : 1_024
        let (filling, filled) = try await payloads([1, 4, 16, 64, 256, 1_024].filter { $0 <= mostMebibytes })
        series += filling
        series += [try await modelledPayloads(isQuick ? 4 : 20)]
        for one in series { one.report(to: &report) }
        for (label, unit, count, target) in [
            ("most parameters of a job", "", reached, most), ("most bytes of a table", "MiB", filled, mostMebibytes),
        ] {
            report.add(
                Figure(
                    benchmark: name, name: label, unit: unit, ours: Double(count), peer: nil, peerName: nil,
                    better: .higher, target: Double(target), threads: 1))
        }
    }

    /// Workers that each make a step every 250 ms of the virtual clock, with four pushes on their way once in a while.
    private static func workers(_ counts: [Int], steps: Int) async throws -> [ScalingSeries] {
        var calls = ScalingSeries("coordinator's calls a worker's step", unit: "", of: "workers", .constant)
        var processor = ScalingSeries("processor time a push", unit: "µs", of: "workers", .constant)
        var ledger = ScalingSeries(
            "bytes of a partition with its ledger, window 4", unit: "KiB", of: "workers", .linear, fitted: 3)
        for count in counts {
            Progress.say("\(name): \(count) workers")
            let (called, seconds, bytes) = try await ScalingJob.run(
                slots: count, lease: .seconds(15)
            ) { job in
                let table = try ScalingJob.table("weight", elements: 64)
                var workers: [ScalingJob.Worker] = []
                for slot in 0..<count { workers.append(try await job.worker(slot, [table])) }
                let all = workers
                for worker in all { try await worker.push(8, window: 4) }
                let (before, start) = (job.coordinatorCalls(), ProcessReport.processorSeconds())
                try await withThrowingTaskGroup(of: Void.self) { living in
                    for worker in all { living.addTask { try await worker.keepAlive() } }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for worker in all {
                            group.addTask {
                                for _ in 0..<steps {
                                    try await worker.push()
                                    try await job.runtime.sleep(for: .milliseconds(250))
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    living.cancelAll()
                }
                let pushes = Double(count * steps)
                let result = (
                    (job.coordinatorCalls() - before) / pushes,
                    (ProcessReport.processorSeconds() - start) / pushes * 1e6
                )
                for worker in all { try await worker.push(8, window: 4) }
                return (result.0, result.1, try await job.checkpointBytes() / 1_024)
            }
            calls.add(called, at: count)
            processor.add(seconds, at: count)
            ledger.add(bytes, at: count)
        }
        return [calls, processor, ledger]
    }

    /// Eight workers that leave so many pushes each in the ledger that they have not acknowledged.
    private static func windows(_ counts: [Int]) async throws -> ScalingSeries {
        var ledger = ScalingSeries(
            "bytes of a partition with its ledger, 8 workers", unit: "KiB", of: "pushes in flight", .linear, fitted: 3)
        for count in counts {
            Progress.say("\(name): \(count) pushes in flight")
            let bytes = try await ScalingJob.run(slots: 8) { job in
                let table = try ScalingJob.table("weight", elements: 64)
                for slot in 0..<8 {
                    let worker = try await job.worker(slot, [table])
                    try await worker.push(4 * count, window: count)
                }
                return try await job.checkpointBytes() / 1_024
            }
            ledger.add(bytes, at: count)
        }
        return ledger
    }

    /// One worker, and a table of 64 partitions on so many servers.
    private static func servers(_ counts: [Int]) async throws -> [ScalingSeries] {
        var processor = ScalingSeries("processor time a step", unit: "µs", of: "servers", .linear, fitted: 3)
        var time = ScalingSeries("virtual time of a step", unit: "ms", of: "servers", .constant)
        for count in counts {
            Progress.say("\(name): \(count) servers")
            let (seconds, wall) = try await ScalingJob.run(servers: count) { job in
                let worker = try await job.worker(0, [ScalingJob.table("weight", elements: 4_096, partitions: 64)])
                let start = job.runtime.now
                let steps = 30
                let seconds = try await job.processorSeconds(5) { try await worker.push(steps, window: 1) }
                return (seconds / Double(steps), start.duration(to: job.runtime.now) / Double(6 * steps))
            }
            processor.add(seconds * 1e6, at: count)
            time.add(wall / .milliseconds(1), at: count)
        }
        return [processor, time]
    }

    /// One worker, one server, and so many tables of four elements; and how many tables a job took.
    private static func parameters(_ counts: [Int]) async throws -> ([ScalingSeries], Int) {
        var reached = 0
        var declaring = ScalingSeries(
            "processor time to declare, and of the first push", unit: "ms", of: "parameters", .linear, fitted: 3)
        var pushing = ScalingSeries("processor time of a push", unit: "ms", of: "parameters", .linear, fitted: 3)
        var pulling = ScalingSeries("processor time of a pull", unit: "ms", of: "parameters", .linear, fitted: 3)
        for count in counts {
            Progress.say("\(name): \(count) parameters")
            let times: [Double]
            do {
                times = try await Self.times(ofParameters: count)
            } catch let error as ParameterServerError {
                // Fewer than there should be, which is a figure too.
                Progress.say("\(name): \(count) parameters: \(error)")
                break
            }
            reached = count
            declaring.add(times[0] * 1e3, at: count)
            pushing.add(times[1] * 1e3, at: count)
            pulling.add(times[2] * 1e3, at: count)
        }
        return ([declaring, pushing, pulling], reached)
    }

    /// The processor seconds that it takes to declare so many parameters and push to all for the first time, for which
    /// servers must have made them; to push, and to pull all of them.
    private static func times(ofParameters count: Int) async throws -> [Double] {
        try await ScalingJob.run { job in
            let tables = try (0..<count).map { try ScalingJob.table("layer/\($0)", elements: 4) }
            let start = ProcessReport.processorSeconds()
            let worker = try await job.worker(0, tables)
            try await worker.push()
            let declared = ProcessReport.processorSeconds() - start
            let rounds = count > 1_000 ? 3 : 20
            let push = try await job.processorSeconds(rounds) { try await worker.push() }
            let pull = try await job.processorSeconds(rounds) { _ = try await worker.client.pull() }
            return [declared, push, pull]
        }
    }

    /// Lookups in partition maps of so many tables.
    private static func lookups(_ counts: [Int]) -> [ScalingSeries] {
        // What is found is a handful of cache lines, and those of a large map are in memory.
        let (fitted, tolerance) = (3, 8.0)
        var byNumber = ScalingSeries(
            "lookup of a partition by number", unit: "ns", of: "partitions", .constant, fitted: fitted,
            tolerance: tolerance)
        var byName = ScalingSeries(
            "lookup of a table by name", unit: "ns", of: "tables", .constant, fitted: fitted, tolerance: tolerance)
        for count in counts {
            Progress.say("\(name): a map of \(count)")
            let tables = (1...UInt64(count)).map { number in
                let partition = PartitionMap.Partition(
                    id: PartitionID(rawValue: number), head: "server", epoch: 1, byteCount: 4)
                return PartitionMap.Table(name: "layer/\(number)", declaration: [], partitions: [partition])
            }
            let map = PartitionMap(tables: tables)
            var generator = SplitMix64(seed: 1)
            let wanted = (0..<4_096).map { _ in Int.random(in: 0..<count, using: &generator) }
            let names = wanted.map { tables[$0].name }
            var found = 0
            byNumber.add(
                StepTimer.nanoseconds(9, by: .processor) {
                    for place in wanted where map.partition(PartitionID(rawValue: UInt64(place + 1))) != nil {
                        found += 1
                    }
                } / Double(wanted.count), at: count)
            byName.add(
                StepTimer.nanoseconds(9, by: .processor) {
                    for name in names where map.table(named: name) != nil { found += 1 }
                } / Double(wanted.count), at: count)
            precondition(found == 2 * 10 * wanted.count, "a map of \(count) tables has not all of them")
        }
        return [byNumber, byName]
    }

    /// One worker and one server, and a table of so many MiB in partitions of one; and how many it took.
    private static func payloads(_ counts: [Int]) async throws -> ([ScalingSeries], Int) {
        var filled = 0
        var pushing = ScalingSeries("processor time of a push", unit: "ms", of: "MiB", .linear, fitted: 3)
        var pulling = ScalingSeries("processor time of a pull", unit: "ms", of: "MiB", .linear, fitted: 3)
        for count in counts {
            Progress.say("\(name): \(count) MiB")
            let (push, pull): (Double, Double)
            do {
                (push, pull) = try await ScalingJob.run { job in
                    let worker = try await job.worker(
                        0, [ScalingJob.table("weight", elements: count << 18, partitions: count)])
                    let push = try await job.processorSeconds(3) { try await worker.push() }
                    return (push, try await job.processorSeconds(3) { _ = try await worker.client.pull() })
                }
            } catch let error as ParameterServerError {
                // Fewer than there should be, which is a figure too.
                Progress.say("\(name): \(count) MiB: \(error)")
                break
            }
            filled = count
            pushing.add(push * 1e3, at: count)
            pulling.add(pull * 1e3, at: count)
        }
        return ([pushing, pulling], filled)
    }
}
