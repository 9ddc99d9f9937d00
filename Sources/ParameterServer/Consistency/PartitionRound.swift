package import Coordination
import MeshWire
package import Tensor

/// The open round of one partition, at its head: the gradients that have come for it, and what the leader has decided.
/// A state machine without I/O or clock; what it says is made a record of, and the record is what changes the
/// partition.
///
/// None of it is in the log: a new head has the pushes sent again by those who wait for their answers.
package struct PartitionRound: Sendable {
    /// What the partition is to do.
    package enum Step: Sendable {
        /// Nothing, before somebody comes or decides; these are waited for, if the set is known.
        case wait([RoundDecision.Worker])
        /// Round `number` is closed, as the mean of `pushes`, which are in the order of slots; those of `late` are not
        /// in it.
        case close(number: UInt64, pushes: [PartitionPush], late: [PartitionPush])
    }

    /// What becomes of a push that is to wait for its round.
    package enum Reception: Sendable, Hashable {
        /// It is here, now or before.
        case held
        /// The session has sent a later one for the round.
        case overtaken
        /// The gradients that wait would have so many bytes.
        case full(bytes: Int)
    }

    /// By slot.
    private var held: [Int: PartitionPush] = [:]
    /// For which round a push was refused, so that it will not come; by slot, the last.
    private var refused: [Int: (session: SessionID, round: UInt64)] = [:]
    private var decisions: [RoundDecision] = []
    /// The last round that the leader has closed, as far as is known here.
    private var decided: UInt64?
    /// The bytes of the gradients that wait.
    package private(set) var heldBytes = 0

    package init() {}

    /// Takes a push for the open round that nothing is wrong with.
    package mutating func receive(_ push: PartitionPush, limit: Int) -> Reception {
        let before = held[push.slot]
        if let before, before.session == push.session, before.sequence >= push.sequence {
            return before.sequence == push.sequence ? .held : .overtaken
        }
        let bytes = heldBytes - (before?.byteCount ?? 0) + push.byteCount
        guard bytes <= limit else { return .full(bytes: bytes) }
        held[push.slot] = push
        // The partition has gone back since, and the worker has made another for the same round.
        if refused[push.slot]?.session == push.session { refused[push.slot] = nil }
        heldBytes = bytes
        return .held
    }

    /// Whether a push waits.
    package func holds(_ sequence: UInt64, of worker: RoundDecision.Worker) -> Bool {
        held[worker.slot].map { $0.session == worker.session && $0.sequence == sequence } ?? false
    }

    /// Takes down that a push for the open round or a later one was refused for good.
    package mutating func refuse(_ worker: RoundDecision.Worker, for round: UInt64) {
        refused[worker.slot] = (worker.session, round)
        if held[worker.slot]?.session == worker.session { drop(worker.slot) }
    }

    /// Takes what the leader has decided; an older word than what is known changes nothing.
    package mutating func take(_ decisions: [RoundDecision], decided: UInt64) {
        guard decided >= self.decided ?? 0 else { return }
        self.decided = decided
        for decision in decisions where decision.round > self.decisions.last?.round ?? 0 {
            self.decisions.append(decision)
        }
        self.decisions.removeFirst(max(0, self.decisions.count - RoundLeader.keptDecisions))
    }

    /// What there is to do.
    ///
    /// - Parameters:
    ///   - standing: the last round that the partition has closed; `nil` if it has gone back since, or begins: it
    ///     takes the leader's word for it then.
    ///   - fence: who may still push. A sender that may not, and whose gradient is not here, is done without.
    ///   - needsAll: whether nobody is done without.
    package func step(after standing: UInt64?, _ fence: SessionFence, needsAll: Bool) -> Step {
        guard let decided, decided > standing ?? 0 || standing == nil else { return .wait([]) }
        guard let standing, let decision = decisions.first(where: { $0.round == standing + 1 }) else {
            // What was decided before is not known any more: what has come is of no use.
            return .close(number: decided, pushes: [], late: inOrder)
        }
        let missing = decision.senders.filter { sender in
            held[sender.slot]?.session != sender.session && !isRefused(sender, in: decision.round)
                && (needsAll || fence.isLiving(sender))
        }
        guard missing.isEmpty else { return .wait(missing) }
        let senders = Set(decision.senders)
        let (pushes, late) = (
            inOrder.filter { senders.contains($0.worker) }, inOrder.filter { !senders.contains($0.worker) }
        )
        return .close(number: decision.round, pushes: pushes, late: late)
    }

    /// Lets go of what was for rounds up to one that is closed.
    package mutating func begin(after round: UInt64) {
        dropAll()
        refused = refused.filter { $0.value.round > round }
    }

    /// Lets go of the gradients that wait: the partition has gone back.
    package mutating func dropAll() {
        held = [:]
        heldBytes = 0
    }

    private func isRefused(_ worker: RoundDecision.Worker, in round: UInt64) -> Bool {
        refused[worker.slot].map { $0.session == worker.session && $0.round == round } ?? false
    }

    private var inOrder: [PartitionPush] { held.sorted { $0.key < $1.key }.map(\.value) }

    private mutating func drop(_ slot: Int) { heldBytes -= held.removeValue(forKey: slot)?.byteCount ?? 0 }

    /// The mean of gradients: added up in their order, one float32 after the other, then divided by their number.
    ///
    /// - Throws: ``/Tensor/TensorError/Code/outOfMemory``.
    package static func mean(_ pushes: [PartitionPush]) throws(TensorError) -> AnyTensor? {
        guard let first = pushes.first else { return nil }
        guard pushes.count > 1 else { return first.gradient }
        let count = first.gradient.elementCount
        var sum = try AnyTensor.zeros([count])
        sum.withMutableBytes { target in
            // Safe: all gradients are contiguous float32 of as many elements, as they were checked to have.
            let target = unsafe target.assumingMemoryBound(to: Float.self)
            first.gradient.withBytes { source in
                let source = unsafe source.assumingMemoryBound(to: Float.self)
                for index in 0..<count { unsafe target[index] = source[index] }
            }
            for push in pushes.dropFirst() {
                push.gradient.withBytes { source in
                    let source = unsafe source.assumingMemoryBound(to: Float.self)
                    for index in 0..<count { unsafe target[index] += source[index] }
                }
            }
            let divisor = Float(pushes.count)
            for index in 0..<count { unsafe target[index] /= divisor }
        }
        return sum
    }
}

extension PartitionPush {
    /// Who makes it.
    var worker: RoundDecision.Worker { RoundDecision.Worker(slot: slot, session: session) }
}
