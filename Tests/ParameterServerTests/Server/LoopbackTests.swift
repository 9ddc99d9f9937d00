import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Tensor
import Testing

@testable import ParameterServer

@Suite struct LoopbackTests {
    /// Notes of pushes, guarded by a mutex.
    private final class Notes: Sendable {
        private let state = Mutex((sent: PushNotes(), acknowledged: PushNotes()))
        var all: (sent: PushNotes, acknowledged: PushNotes) { state.withLock { $0 } }
        var observer: PushObserver {
            PushObserver(
                beforeFirstAttempt: { pushes in self.state.withLock { $0.sent.insert(pushes) } },
                afterAcknowledgement: { pushes in self.state.withLock { $0.acknowledged.insert(pushes) } })
        }
    }

    @Test("over TLS and on many threads, with lost and doubled messages, every push is applied exactly once")
    func exactlyOnce() async throws {
        let cluster = try await TestCluster.start(SystemRuntime.shared)
        let notes = Notes()
        // One table below and one above the size that is applied on an event loop.
        let tables = [
            try Example.table("small", shape: [100], rule: .sgd(learningRate: 1)),
            try Example.table("large", shape: [200, 300], rule: .sgd(learningRate: 1), partitions: 2),
        ]
        try await withThrowingTaskGroup { group in
            for worker in 0..<4 {
                group.addTask {
                    let faults = SeededFaults(
                        seed: UInt64(worker), replyLoss: 0.05, requestLoss: 0.05, requestDuplication: 0.1,
                        isAffected: { $0 == ParameterService.push.path })
                    let client = try await cluster.client(
                        cluster.mesh("/worker/\(worker)", faults: faults), slot: worker, observer: notes.observer)
                    try await client.declare(tables)
                    for _ in 0..<25 {
                        _ = try await client.pull()
                        let report = try await client.push(
                            NamedTensors([("small", .full([100], Float(1))), ("large", .full([200, 300], Float(1)))]))
                        #expect(report.failed.isEmpty)
                    }
                    client.close()
                }
            }
            try await group.waitForAll()
        }
        let reader = try cluster.reader()
        let (sent, acknowledged) = notes.all
        let audit = PushAudit(accounts: try await reader.accounts(), sent: sent, acknowledged: acknowledged)
        #expect(audit.discrepancies == [])
        #expect((audit.sent, audit.acknowledged, audit.applied) == (300, 300, 300))
        #expect(audit.duplicatesSuppressed > 0)
        for (_, tensor) in try await reader.pull() {
            #expect(try Set(tensor.scalars(as: Float.self)) == [-100])
        }
        reader.close()
        await cluster.stop()
    }
}
