import Optimizers
import Tensor

/// How a partition decides about pushes for rounds.
extension PartitionState {
    /// Decides about a push that the ledger lets through.
    func decideInRound(_ push: PartitionPush, fault: PushFault?) -> Decision {
        guard !table.leadsRounds else {
            return .refuse(refused(.malformedRequest, "it leads rounds, and takes no pushes"))
        }
        guard push.round > 0 else {
            return .refuse(
                refused(.malformedRequest, "table \(table.name) has rounds, and the push names none: pull, then push"))
        }
        guard let round else {
            return .refuse(refused(.busy, "it has not heard yet which round is open"))
        }
        guard push.round > round else { return .record(record(of: push, PushFault(code: .late, message: lateMessage))) }
        guard push.round == round + 1 else {
            return .refuse(refused(.busy, "round \(push.round) comes after \(round + 1), which is open here"))
        }
        if let fault { return .record(record(of: push, fault)) }
        return .hold
    }

    /// The record that closes a round.
    ///
    /// - Throws: ``/Tensor/TensorError/Code/outOfMemory``.
    func record(
        ofRound number: UInt64, _ pushes: [PartitionPush], late: [PartitionPush]
    ) throws(TensorError) -> PartitionRecord {
        let rate = table.schedule.learningRate(of: table.updateRule, step: optimizer.stepCount)
        return PartitionRecord(
            position: position + 1, epoch: epoch,
            change: .round(
                RoundStep(
                    number: number, pushes: pushes.map(\.recorded), late: late.map(\.recorded),
                    gradient: try PartitionRound.mean(pushes), learningRate: rate)))
    }

    /// The answer to a push whose round was closed without it.
    var lateReply: PushReply { refused(.late, lateMessage) }

    private var lateMessage: String {
        "its round was closed without it, and round \(round ?? 0) stands: pull, and push for the next"
    }

    /// How far the partition has come with rounds, for those who wait: closed here, or decided.
    var roundLevel: UInt64 { leader?.decided ?? round ?? 0 }
}
