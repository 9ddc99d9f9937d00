package import Coordination
package import MeshWire
import Synchronization
package import Tensor

/// One partition of a dense table: a range of its elements with their optimizer state, the ledger of the pushes that
/// made them what they are, and the audit counter.
///
/// Guarded by one mutex, with one queue before it: pushes are applied one at a time, in the order in which they took
/// their turn. A loop never waits for the mutex. ``pushIfFree(_:)`` and ``pullIfFree()`` are for loops and give up at
/// once if somebody else is at it; ``push(_:)`` and ``pull()`` take a turn, and whoever has it waits for readers at
/// most, who hold the mutex for a few instructions.
package final class Partition: Sendable {
    package let id: PartitionID
    package let name: PartitionName
    /// The elements that it has.
    package let elementCount: Int
    private let state: Mutex<PartitionState>
    let turns: TurnQueue
    private let gate: VersionGate
    private let meter: ApplyMeter

    /// A partition with its first values.
    ///
    /// - Throws: ``/Tensor/TensorError/Code/outOfMemory``.
    package init(
        id: PartitionID, index: Int, of table: TableDeclaration, epoch: UInt64, initialValues: AnyTensor,
        fence: SessionFence, configuration: ParameterServerConfiguration, meter: ApplyMeter
    ) throws(TensorError) {
        self.id = id
        name = PartitionName(table: table.name, index: index)
        elementCount = initialValues.elementCount
        let first = try PartitionState(
            id: id, name: name, rule: table.updateRule, schedule: table.schedule, epoch: epoch, intactSince: epoch,
            parameters: initialValues, fence: fence, limits: configuration.ledger)
        state = Mutex(first)
        turns = TurnQueue(limit: configuration.queuedPushes)
        gate = VersionGate(first.version, limit: configuration.queuedPushes)
        self.meter = meter
    }

    /// Answers a push, if that can be done without waiting.
    package func pushIfFree(_ push: PartitionPush) -> PushReply? {
        guard turns.tryTake() else { return nil }
        defer { turns.pass() }
        let fault = fault(in: push.gradient)
        return state.withLockIfAvailable { apply(push, fault, to: &$0) }.map(finished)
    }

    /// Answers a push when its turn comes. Computes; not for loops.
    ///
    /// A push that has been taken is finished even if its caller has gone: its copy will ask for the answer.
    package func push(_ push: PartitionPush) async -> PushReply {
        // Looked at before the turn, so that looking at one push and applying another overlap.
        let fault = fault(in: push.gradient)
        let reply = await withTurn { state.withLock { apply(push, fault, to: &$0) } }
        guard let reply else {
            return PushReply(
                partition: id, outcome: .refused(.busy, "partition \(name): too many pushes wait"),
                version: PartitionVersion(epoch: 0, applied: 0))
        }
        return finished(reply)
    }

    /// The parameters and their version, if nobody is at them. The value is not copied: the next push copies, if this
    /// one is still alive then.
    package func pullIfFree() -> (AnyTensor, PartitionVersion)? {
        state.withLockIfAvailable { ($0.parameters, $0.version) }
    }

    /// The parameters and their version when the turn comes; `nil` if too many wait.
    package func pull() async -> (AnyTensor, PartitionVersion)? {
        await withTurn { state.withLock { ($0.parameters, $0.version) } }
    }

    /// Waits until the partition has reached a version; false if `deadline` comes before.
    package func reaches(
        _ minimum: PartitionVersion, before deadline: RuntimeInstant, on runtime: any Runtime
    ) async -> Bool {
        await gate.wait(for: minimum, until: deadline, on: runtime)
    }

    /// Puts a newer fence in force and returns what `session` has applied. After this returns, nothing of a session that
    /// the fence shuts out is applied.
    ///
    /// Waits for its turn however many pushes wait: a partition that is too busy to apply more must still learn who may
    /// push. Fences come one a session that begins or ends.
    package func install(_ fence: SessionFence, reportOn session: SessionID?) async -> SequenceSet {
        await turns.takeWithoutLimit()
        defer { turns.pass() }
        return state.withLock { state in
            state.install(fence)
            return session.map { state.ledger.applied(of: $0) } ?? SequenceSet()
        }
    }

    /// What the partition says of its pushes; `nil` if too many wait.
    package func account() async -> PartitionAccount? {
        await withTurn { state.withLock { $0.account } }
    }

    private func withTurn<Result>(_ body: () -> Result) async -> Result? {
        guard await turns.take() else { return nil }
        defer { turns.pass() }
        return body()
    }

    private func apply(_ push: PartitionPush, _ fault: PushFault?, to state: inout PartitionState) -> PushReply {
        meter.timed { state.receive(push, fault: fault) }
    }

    private func finished(_ reply: PushReply) -> PushReply {
        if reply.outcome == .applied, !reply.isReplay { gate.reached(reply.version) }
        return reply
    }

    /// What is wrong with a gradient, before anything is touched.
    private func fault(in gradient: AnyTensor) -> PushFault? {
        guard gradient.dtype == .float32 else {
            return PushFault(code: .dtypeMismatch, message: "expected float32, found \(gradient.dtype)")
        }
        guard gradient.elementCount == elementCount else {
            return PushFault(
                code: .shapeMismatch, message: "expected \(elementCount) elements, found \(gradient.elementCount)")
        }
        // Abstract tensors, which alone have no values to look at, cannot come out of a message.
        guard let index = try? gradient.firstNonFinite() else { return nil }
        return PushFault(code: .nonFinite, message: "element \(index) of the gradient is not finite")
    }
}
