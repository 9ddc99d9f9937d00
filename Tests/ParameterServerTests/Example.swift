import Coordination
import Identity
import MeshWire
import MeshworkTesting
import Optimizers
import Telemetry
import Tensor

@testable import ParameterServer

/// What the tests of this target build on.
enum Example {
    static let worker = identity("worker/0")

    static func identity(_ path: String) -> SPIFFEID {
        guard let id = SPIFFEID("spiffe://test.example/\(path)") else { preconditionFailure("not a path: \(path)") }
        return id
    }

    static func session(_ ordinal: UInt64) -> SessionID { SessionID(high: ordinal, low: 7) }

    static func table(
        _ name: String = "weight", shape: Shape = [4], initializer: Initializer = .zeros,
        rule: UpdateRule = .sgd(learningRate: 1), partitions: Int = 1, replicas: Int = 0
    ) throws -> TableDeclaration {
        try TableDeclaration(
            name: name, shape: shape, initializer: initializer, key: RandomKey(seed: 5), updateRule: rule,
            partitioning: .count(partitions), replicas: replicas)
    }

    /// The fence in which `session` is the newest of slot 0.
    static func fence(_ session: SessionID, hasEnded: Bool = false) -> SessionFence {
        SessionFence([SessionFence.Entry(slot: 0, session: session, owner: worker, hasEnded: hasEnded)])
    }

    static func partition(
        _ table: TableDeclaration, fence: SessionFence = fence(session(1)), epoch: UInt64 = 1,
        configuration: ParameterServerConfiguration = ParameterServerConfiguration(),
        metrics: MetricsRegistry = MetricsRegistry()
    ) throws -> Partition {
        let first = try PartitionState(
            id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: 0), of: table, epoch: epoch,
            intactSince: epoch, parameters: table.initialValues(ofPartition: 0), fence: fence,
            limits: configuration.ledger)
        let entry = PartitionMap.Partition(id: first.id, head: "server", epoch: epoch, byteCount: 0)
        let partition = Partition(
            first, in: ChainPlace(of: "server", in: entry), configuration: configuration,
            meter: ApplyMeter(metrics, runtime: StillRuntime()), log: nil, driver: nil)
        partition.open()
        return partition
    }

    static func push(
        _ sequence: UInt64, of session: SessionID = session(1), gradient: [Float] = [1, 1, 1, 1],
        acknowledgedThrough: UInt64 = 0, basis: PartitionVersion = PartitionVersion(epoch: 1, applied: 0),
        peer: SPIFFEID = worker
    ) throws -> PartitionPush {
        PartitionPush(
            session: session, slot: 0, peer: peer, sequence: sequence, acknowledgedThrough: acknowledgedThrough,
            gradient: try AnyTensor(gradient, shape: [gradient.count]), basis: basis)
    }

    static func bits(_ tensor: AnyTensor) throws -> [UInt32] { try tensor.scalars(as: Float.self).map(\.bitPattern) }
}

extension Partition {
    /// What a push is answered once it has been applied, whatever the log does.
    func reply(to push: PartitionPush) async -> PushReply { await self.push(push).reply }
}
