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
    /// What the mutex guards.
    private struct Guarded {
        var state: PartitionState
        /// What to wait for in the log, to know that all that was executed is safe.
        var logged: UInt64 = 0
    }

    /// A reply, and what to wait for in the log before it is given.
    package struct Answer: Sendable {
        package var reply: PushReply
        package var logged: UInt64?
    }

    private let state: Mutex<Guarded>
    let turns: TurnQueue
    private let gate: VersionGate
    private let meter: ApplyMeter
    private let log: ServerLog?

    /// A partition that goes on from a state, and whose records go to a log if there is one.
    init(_ first: PartitionState, configuration: ParameterServerConfiguration, meter: ApplyMeter, log: ServerLog?) {
        id = first.id
        name = first.name
        elementCount = first.parameters.elementCount
        state = Mutex(Guarded(state: first))
        turns = TurnQueue(limit: configuration.queuedPushes)
        gate = VersionGate(first.version, limit: configuration.queuedPushes)
        self.meter = meter
        self.log = log
    }

    /// Answers a push, if that can be done without waiting; ``settled(_:until:)`` waits for the log.
    package func pushIfFree(_ push: PartitionPush) -> Answer? {
        guard turns.tryTake() else { return nil }
        defer { turns.pass() }
        let fault = fault(in: push.gradient)
        return state.withLockIfAvailable { apply(push, fault, to: &$0) }.map(finished)
    }

    /// Answers a push when its turn comes. Computes; not for loops.
    ///
    /// A push that has been taken is finished even if its caller has gone: its copy will ask for the answer.
    package func push(_ push: PartitionPush) async -> Answer {
        // Looked at before the turn, so that looking at one push and applying another overlap.
        let fault = fault(in: push.gradient)
        let answer = await withTurn { state.withLock { apply(push, fault, to: &$0) } }
        guard let answer else {
            return Answer(
                reply: PushReply(
                    partition: id, outcome: .refused(.busy, "partition \(name): too many pushes wait"),
                    version: PartitionVersion(epoch: 0, applied: 0)))
        }
        return finished(answer)
    }

    /// The reply, once the log is as safe as it shall be: it names what it survives. A push that is not safe at the
    /// deadline is answered so, and its copy may ask again.
    package func settled(_ answer: Answer, until deadline: RuntimeInstant) async -> PushReply {
        guard let log, let position = answer.logged else { return answer.reply }
        var reply = answer.reply
        do throws(ParameterServerError) {
            try await log.settled(through: position, until: deadline)
            reply.durability = log.durability
        } catch {
            reply.outcome = .refused(error.code, "partition \(name): \(error.message)")
        }
        return reply
    }

    /// The parameters and their version, if nobody is at them. The value is not copied: the next push copies, if this
    /// one is still alive then.
    package func pullIfFree() -> (AnyTensor, PartitionVersion)? {
        state.withLockIfAvailable { ($0.state.parameters, $0.state.version) }
    }

    /// The parameters and their version when the turn comes; `nil` if too many wait.
    package func pull() async -> (AnyTensor, PartitionVersion)? {
        await withTurn { state.withLock { ($0.state.parameters, $0.state.version) } }
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
        return state.withLock { guarded in
            if let record = guarded.state.record(of: fence) { executeAlways(record, on: &guarded) }
            return session.map { guarded.state.ledger.applied(of: $0) } ?? SequenceSet()
        }
    }

    /// Begins the epoch in which the map has this server as the partition's head.
    func begin(epoch: UInt64, intactSince: UInt64) {
        let version = state.withLock { guarded in
            if let record = guarded.state.record(ofEpoch: epoch, intactSince: intactSince) {
                executeAlways(record, on: &guarded)
            }
            return guarded.state.version
        }
        gate.reached(version)
    }

    /// What the partition begins with in a log, and all that it holds.
    func snapshot() async -> (PartitionOrigin, PartitionSnapshot) {
        await turns.takeWithoutLimit()
        defer { turns.pass() }
        return state.withLock { ($0.state.origin, $0.state.snapshot) }
    }

    /// What the partition says of its pushes; `nil` if too many wait.
    package func account() async -> PartitionAccount? {
        await withTurn { state.withLock { $0.state.account } }
    }

    private func withTurn<Result>(_ body: () -> Result) async -> Result? {
        guard await turns.take() else { return nil }
        defer { turns.pass() }
        return body()
    }

    private func apply(_ push: PartitionPush, _ fault: PushFault?, to guarded: inout Guarded) -> Answer {
        meter.timed { decideAndExecute(push, fault, on: &guarded) }
    }

    private func decideAndExecute(_ push: PartitionPush, _ fault: PushFault?, on guarded: inout Guarded) -> Answer {
        switch guarded.state.decide(push, fault: fault) {
        case .refuse(let reply):
            return Answer(reply: reply)
        case .answered(let reply):
            return Answer(reply: reply, logged: guarded.logged)
        case .record(let record):
            do throws(ParameterServerError) {
                // Before it is executed: what the log does not take has not been done.
                if let log { guarded.logged = try log.append(.record, of: id, record) }
            } catch {
                return Answer(reply: guarded.state.refused(error.code, error.message))
            }
            do throws(TensorError) {
                return Answer(reply: try guarded.state.execute(record)[0], logged: guarded.logged)
            } catch {
                // Not the push's own doing (no memory, say): it is not held against it, and may come again.
                log?.fail(ParameterServerError(.applyFailed, error.message))
                return Answer(reply: guarded.state.refused(.applyFailed, error.message))
            }
        }
    }

    /// Executes a record that nothing may stop; where the log does not take it, the log has failed.
    private func executeAlways(_ record: PartitionRecord, on guarded: inout Guarded) {
        if let log {
            do throws(ParameterServerError) {
                guarded.logged = try log.append(.record, of: id, record)
            } catch {
                log.fail(error)
            }
        }
        // It computes nothing, and so cannot fail.
        _ = try? guarded.state.execute(record)
    }

    private func finished(_ answer: Answer) -> Answer {
        if answer.reply.outcome == .applied, !answer.reply.isReplay { gate.reached(answer.reply.version) }
        return answer
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
