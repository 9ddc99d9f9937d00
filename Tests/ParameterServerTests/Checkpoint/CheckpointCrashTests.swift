import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// Accidents while a checkpoint is written: the one before is whole, and the next can be written.
@Suite struct CheckpointCrashTests {
    @Test(
        "whenever the power fails while a checkpoint is written, each one that is there is whole",
        arguments: 1...24 as ClosedRange<UInt64>)
    func crash(seed: UInt64) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let job = try await CheckpointJob(runtime, kept: 2, timeout: .seconds(3))
            let worker = try await job.worker()
            var newest: UInt64 = 0
            for step in 1...6 as ClosedRange<UInt64> {
                try await worker.train(Int(step)...Int(step))
                var faults = LogFaults()
                faults.syncTime = .milliseconds(1) ... .milliseconds(20)
                runtime.disk.setFaults(faults)
                // Ten syncs or more: the power fails in any of them, or after all.
                let failed = await withTaskGroup(of: Bool.self) { group in
                    group.addTask { await parameterServerError { try await job.checkpoints.write(step: step) } != nil }
                    group.addTask {
                        var generator = SplitMix64(seed: seed &* 100 &+ step)
                        try? await runtime.sleep(for: .milliseconds(Int.random(in: 1...200, using: &generator)))
                        runtime.disk.crash()
                        return false
                    }
                    return await group.reduce(false) { $0 || $1 }
                }
                runtime.disk.setFaults(LogFaults())
                let steps = try await job.checkpoints.steps()
                for step in steps {
                    let manifest = try await job.checkpoints.verify(step: step)
                    #expect(manifest.files.map(\.entry.version.applied) == [step, step, step, step], "seed \(seed)")
                }
                // What was acknowledged is there; what was not may be.
                #expect(failed || steps.last == step, "seed \(seed), step \(step): \(steps)")
                #expect(steps.last ?? 0 >= newest, "seed \(seed), step \(step): \(steps)")
                newest = steps.last ?? 0
            }
            try await job.checkpoints.write(step: 7)
            #expect(try await job.checkpoints.steps().suffix(1) == [7])
        }
    }

    @Test("a disk that fills up at any byte of a checkpoint leaves the one before, and says what to do")
    func fullDisk() async throws {
        try await SimulatedRuntime.run(seed: 41) { runtime in
            let job = try await CheckpointJob(runtime)
            let worker = try await job.worker()
            try await worker.train(1...1)
            func used() async throws -> Int64 {
                try await runtime.logs.list(CheckpointJob.folder).reduce(0) {
                    $0 + Int64(runtime.disk.bytes(of: "\(CheckpointJob.folder)/\($1)")?.count ?? 0)
                }
            }
            try await job.checkpoints.write(step: 1)
            let whole = try await used()
            var refused = 0
            var room: Int64 = 0
            while true {
                var faults = LogFaults()
                faults.capacity = whole + room
                runtime.disk.setFaults(faults)
                let error = await parameterServerError { try await job.checkpoints.write(step: 2) }
                try await job.checkpoints.verify(step: 1)
                guard let error else { break }
                refused += 1
                #expect(error.code == .checkpointFailed)
                #expect(error.message.contains("make room"), "\(error.message)")
                #expect(try await job.checkpoints.steps() == [1])
                room += 151
            }
            // Five files in pieces of 151 bytes.
            #expect(refused > 15)
            try await job.checkpoints.verify(step: 2)
            #expect(try await job.checkpoints.steps() == [1, 2])
        }
    }

    @Test("a disk that fails to sync, and a folder that somebody else writes to, leave the checkpoint before")
    func refusedFolder() async throws {
        try await SimulatedRuntime.run(seed: 42) { runtime in
            let job = try await CheckpointJob(runtime)
            let worker = try await job.worker()
            try await worker.train(1...1)
            try await job.checkpoints.write(step: 1)
            var faults = LogFaults()
            faults.failedSyncShare = 1
            runtime.disk.setFaults(faults)
            let failed = await parameterServerError { try await job.checkpoints.write(step: 2) }
            #expect(failed?.code == .checkpointFailed)
            runtime.disk.setFaults(LogFaults())
            let lock = try await runtime.logs.open("\(CheckpointJob.folder)/lock", mode: .existing)
            let inUse = await parameterServerError { try await job.checkpoints.write(step: 2) }
            #expect(inUse?.code == .checkpointFailed)
            #expect(inUse?.message.contains("open elsewhere") == true)
            await lock.close()
            try await job.checkpoints.verify(step: 1)
            #expect(try await job.checkpoints.steps() == [1])
        }
    }

    @Test("a server that ends while a checkpoint is written is asked again in its next life")
    func serverEnds() async throws {
        try await SimulatedRuntime.run(seed: 43) { runtime in
            let job = try await CheckpointJob(runtime, servers: 2, keepsLog: true)
            let worker = try await job.worker()
            try await worker.train(1...3)
            var faults = LogFaults()
            faults.syncTime = .milliseconds(30) ... .milliseconds(30)
            runtime.disk.setFaults(faults)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await job.checkpoints.write(step: 3) }
                group.addTask {
                    try await runtime.sleep(for: .milliseconds(75))
                    // They share a disk, and so their end.
                    for index in 0..<2 { job.kill(index) }
                    runtime.disk.killProcess()
                    for index in 0..<2 {
                        _ = try await job.cluster.startServer(
                            index, configuration: CheckpointJob.server(index, keepsLog: true))
                    }
                }
                try await group.waitForAll()
            }
            let manifest = try await job.checkpoints.verify(step: 3)
            #expect(manifest.files.map(\.entry.version.applied) == [3, 3, 3, 3])
        }
    }
}
