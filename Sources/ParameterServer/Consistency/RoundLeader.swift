package import Coordination
package import MeshWire

/// Who takes part in the rounds of a job, and which pushes each round is made of: what the partition of the table
/// `meshwork.rounds` holds beside its parameters. A state machine without I/O or clock, changed by the records of that
/// partition's log alone, so that a new head goes on with the same sets.
///
/// Which workers have arrived for the open round is no part of it: they say so again to a new head.
package struct RoundLeader: Sendable, Hashable {
    /// What a record changes.
    package enum Change: Sendable, Hashable {
        /// A worker takes part from the open round on. It knows that the round `standing` is closed.
        case join(RoundDecision.Worker, standing: UInt64)
        /// A round is closed.
        case decide(RoundDecision)
    }

    /// The last round that was closed; 0 for none.
    package private(set) var decided: UInt64 = 0
    /// The last decisions, in the order of rounds: a partition that lost its newest record needs it again.
    package private(set) var decisions: [RoundDecision] = []
    /// Who takes part, in the order of slots.
    package private(set) var members: [RoundDecision.Worker] = []

    /// How many decisions are kept. A worker goes on only where every partition has closed the round before, so that
    /// two would do while none goes back.
    static let keptDecisions = 8

    package init() {}

    /// Whether this life of a slot takes part.
    package func isMember(_ worker: RoundDecision.Worker) -> Bool { members.contains(worker) }

    /// Does what a record says.
    package mutating func execute(_ change: Change) {
        switch change {
        case .join(let worker, let standing):
            members.removeAll { $0.slot == worker.slot }
            members.insert(worker, at: members.firstIndex { $0.slot > worker.slot } ?? members.count)
            // A leader that has lost what it had decided is told by those who come back.
            if decisions.isEmpty { decided = max(decided, standing) }
        case .decide(let decision):
            decided = decision.round
            decisions.append(decision)
            decisions.removeFirst(max(0, decisions.count - Self.keptDecisions))
        }
    }

    /// Leaves out whom a fence shuts out.
    package mutating func leaveOut(_ fence: SessionFence) {
        members.removeAll { !fence.isLiving($0) }
    }

    /// The decision about the open round, if it can be made.
    ///
    /// - Parameter arrived: whose gradients are at all partitions.
    package func decision(_ consistency: Consistency, arrived: Set<RoundDecision.Worker>) -> RoundDecision? {
        var senders = members.filter { arrived.contains($0) }
        switch consistency {
        case .asynchronous, .boundedStaleness: return nil
        case .synchronous(let workers, let backupWorkers):
            guard !decisions.isEmpty || members.count >= workers,
                senders.count >= max(1, members.count - backupWorkers)
            else { return nil }
        case .deterministic(let workers):
            senders.removeAll { $0.slot >= workers }
            guard senders.count == workers else { return nil }
        }
        return RoundDecision(round: decided + 1, senders: senders)
    }

    /// For whom the open round waits, in words.
    package func awaited(_ consistency: Consistency, arrived: Set<RoundDecision.Worker>) -> String {
        var parts = members.filter { !arrived.contains($0) }.map(\.description)
        switch consistency {
        case .asynchronous, .boundedStaleness: break
        case .synchronous(let workers, _):
            if decisions.isEmpty, members.count < workers {
                parts.append("\(workers - members.count) more of \(workers) workers to declare the tables")
            }
        case .deterministic(let workers):
            let absent = (0..<workers).filter { slot in !members.contains { $0.slot == slot } }
            if !absent.isEmpty {
                parts.append(
                    "a worker in slot \(absent.map(String.init).joined(separator: ", ")), which has ended or not begun")
            }
        }
        let names = parts.prefix(Self.namedWorkers).joined(separator: ", ")
        return parts.count > Self.namedWorkers ? "\(names) and \(parts.count - Self.namedWorkers) more" : names
    }

    private static let namedWorkers = 8
}

extension SessionFence {
    /// Whether a worker's session is the newest of its slot and has not ended.
    func isLiving(_ worker: RoundDecision.Worker) -> Bool {
        guard let entry = entry(for: worker.slot) else { return false }
        return entry.session == worker.session && !entry.hasEnded
    }
}

extension RoundLeader: MeshMessage {
    package static let messageName = "meshwork.parameters.RoundLeader"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: decided = try decoder.uint64()
            case 2: decisions.append(try decoder.message())
            case 3: members.append(try decoder.message())
            default: break
            }
        }
        guard zip(members, members.dropFirst()).allSatisfy({ $0.slot < $1.slot }),
            zip(decisions, decisions.dropFirst()).allSatisfy({ $0.round < $1.round }),
            decisions.last.map({ $0.round == decided }) ?? true
        else { throw WireError(.malformed, "a round leader's members or decisions do not ascend") }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, decided)
        for decision in decisions { encoder.message(2, decision) }
        for member in members { encoder.message(3, member) }
    }
}

extension RoundLeader.Change: MeshMessage {
    package static let messageName = "meshwork.parameters.RoundChange"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        var worker: RoundDecision.Worker?
        var standing: UInt64 = 0
        var decision: RoundDecision?
        while let field = try decoder.nextField() {
            switch field {
            case 1: worker = try decoder.message()
            case 2: standing = try decoder.uint64()
            case 3: decision = try decoder.message()
            default: break
            }
        }
        if let worker {
            self = .join(worker, standing: standing)
        } else if let decision {
            self = .decide(decision)
        } else {
            throw WireError(.malformed, "a round leader's change does nothing that is known")
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        switch self {
        case .join(let worker, let standing):
            encoder.message(1, worker)
            encoder.uint64(2, standing)
        case .decide(let decision):
            encoder.message(3, decision)
        }
    }
}
