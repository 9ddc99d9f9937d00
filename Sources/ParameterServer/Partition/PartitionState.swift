import Coordination
import Identity
import MeshWire
import Optimizers
import Tensor

/// What one mutex of a partition guards: everything that a push changes, changed in one piece.
struct PartitionState: Sendable {
    let id: PartitionID
    let name: PartitionName
    let rule: UpdateRule
    /// Rises with the map when what the partition held has gone back.
    let epoch: UInt64
    private(set) var parameters: AnyTensor
    private var optimizer: OptimizerState
    private(set) var ledger: PushLedger
    private(set) var fence: SessionFence
    private var applied: UInt64 = 0
    /// Raised by what pushes carry, outside the optimizer: see ``PushAudit``.
    private var auditCounter: Int64 = 0

    init(
        id: PartitionID, name: PartitionName, rule: UpdateRule, epoch: UInt64, parameters: AnyTensor,
        fence: SessionFence, limits: PushLedger.Limits
    ) throws(TensorError) {
        self.id = id
        self.name = name
        self.rule = rule
        self.epoch = epoch
        self.parameters = parameters
        self.fence = fence
        optimizer = try rule.makeState(parameters.shape)
        ledger = PushLedger(limits: limits)
    }

    var version: PartitionVersion { PartitionVersion(epoch: epoch, applied: applied) }

    var account: PartitionAccount {
        PartitionAccount(
            partition: id, name: name, version: version, counter: auditCounter, sessions: ledger.sessions,
            duplicatesSuppressed: ledger.duplicatesSuppressed)
    }

    /// Takes a newer fence; no push of a session that it shuts out is applied any more.
    mutating func install(_ newer: SessionFence) { fence.merge(newer) }

    /// Answers a push: applies it, gives the answer that it had before, or refuses it.
    ///
    /// - Parameter fault: what was found wrong with its gradient before; such a push is rejected, and the ledger keeps
    ///   that.
    mutating func receive(_ push: PartitionPush, fault: PushFault?) -> PushReply {
        if let refusal = fence.refusal(of: push.session, slot: push.slot, peer: push.peer) {
            return refused(refusal.code, refusal.message)
        }
        guard push.basis.epoch == epoch else {
            return refused(.rolledBack, "the gradient is of epoch \(push.basis.epoch), the partition is at \(version)")
        }
        switch ledger.receivedPush(
            push.session, sequence: push.sequence, acknowledgedThrough: push.acknowledgedThrough)
        {
        case .replay(let reply):
            return reply
        case .reject(let code, let message):
            return refused(code, message)
        case .apply:
            break
        }
        let reply: PushReply
        if let fault {
            reply = refused(fault.code, fault.message)
        } else {
            do throws(TensorError) {
                try rule.apply(to: &parameters, gradient: push.gradient, state: &optimizer)
            } catch {
                // Not the push's own doing (no memory, say): it is not held against it, and may come again.
                return refused(.applyFailed, error.message)
            }
            let staleness = applied - min(applied, push.basis.applied)
            applied += 1
            auditCounter &+= push.increment
            reply = PushReply(partition: id, outcome: .applied, version: version, staleness: staleness)
        }
        ledger.finishedPush(push.session, sequence: push.sequence, with: reply)
        return reply
    }

    private func refused(_ code: ParameterServerError.Code, _ message: String) -> PushReply {
        PushReply(partition: id, outcome: .refused(code, "partition \(name): \(message)"), version: version)
    }
}

/// What is wrong with a gradient.
struct PushFault: Sendable, Hashable {
    var code: ParameterServerError.Code
    var message: String
}

extension SessionFence {
    /// Why `session` may not push, or `nil` if it may.
    func refusal(of session: SessionID, slot: Int, peer: SPIFFEID) -> PushFault? {
        switch decision(for: session, slot: slot, peer: peer) {
        case .current:
            return nil
        case .fenced(let newer):
            return PushFault(
                code: .sessionFenced, message: "session \(session) of slot \(slot) made way for \(newer)")
        case .expired:
            return PushFault(code: .sessionExpired, message: "session \(session) of slot \(slot) has ended")
        case .notOwner(let owner):
            return PushFault(
                code: .notOwner, message: "session \(session) of slot \(slot) belongs to \(owner), not to \(peer)")
        case .unknown:
            return PushFault(code: .sessionUnknown, message: "slot \(slot) has had no session \(session)")
        }
    }
}
