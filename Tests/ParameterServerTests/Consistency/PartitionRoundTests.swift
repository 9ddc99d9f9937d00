import Coordination
import MeshWire
import NIOCore
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// One partition in rounds, without a server.
@Suite struct PartitionRoundTests {
    private static let name = PartitionName(table: "weight", index: 0)

    private static func table(_ consistency: Consistency, _ rule: UpdateRule = .adam()) throws -> TableDeclaration {
        try TableDeclaration(
            name: "weight", shape: [7], initializer: .uniform(low: -1, high: 1), key: RandomKey(seed: 3),
            updateRule: rule, schedule: .cosine(steps: 50), consistency: consistency)
    }

    private static func state(_ table: TableDeclaration) throws -> PartitionState {
        try PartitionState(
            id: PartitionID(rawValue: 1), name: name, of: table, epoch: 1, intactSince: 1,
            parameters: table.initialValues(ofPartition: 0), fence: SessionFence(), limits: PushLedger.Limits())
    }

    private static func worker(_ slot: Int, life: UInt64 = 1) -> RoundDecision.Worker {
        RoundDecision.Worker(slot: slot, session: Example.session(life * 100 + UInt64(slot)))
    }

    private static func fence(_ workers: [RoundDecision.Worker], ended: Set<RoundDecision.Worker> = []) -> SessionFence
    {
        SessionFence(
            workers.map {
                SessionFence.Entry(
                    slot: $0.slot, session: $0.session, owner: Example.worker, hasEnded: ended.contains($0))
            })
    }

    private static func push(_ worker: RoundDecision.Worker, round: UInt64, _ gradient: [Float]) throws -> PartitionPush
    {
        PartitionPush(
            session: worker.session, slot: worker.slot, peer: Example.worker, sequence: round,
            acknowledgedThrough: round - 1, gradient: try AnyTensor(gradient, shape: [gradient.count]),
            basis: PartitionVersion(epoch: 1, applied: 0), round: round)
    }

    /// A head at its partition: what `Partition` does around the two state machines.
    private struct Head {
        var state: PartitionState
        var round = PartitionRound()
        var records: [PartitionRecord] = []
        let needsAll: Bool

        init(_ state: PartitionState, needsAll: Bool = false) {
            self.state = state
            self.needsAll = needsAll
        }

        mutating func execute(_ record: PartitionRecord) throws {
            try state.execute(record)
            records.append(record)
        }

        mutating func install(_ fence: SessionFence) throws {
            if let record = state.record(of: fence) { try execute(record) }
            try advance()
        }

        /// What a push is answered, or that it waits.
        mutating func receive(_ push: PartitionPush) throws -> ParameterServerError.Code? {
            switch state.decide(push, fault: nil) {
            case .refuse(let reply), .answered(let reply): return reply.outcome.code
            case .call: preconditionFailure("a gradient is no call")
            case .record(let record):
                try execute(record)
                return state.ledger.answer(to: push.sequence, of: push.session)?.outcome.code
            case .hold:
                guard round.receive(push, limit: 1 << 20) == .held else { return .busy }
                try advance()
                return .held
            }
        }

        mutating func take(_ decision: RoundDecision) throws {
            round.take([decision], decided: decision.round)
            try advance()
        }

        mutating func advance() throws {
            while case .close(let number, let pushes, let late) = round.step(
                after: state.round, state.fence, needsAll: needsAll)
            {
                try execute(try state.record(ofRound: number, pushes, late: late))
                round.begin(after: number)
            }
        }
    }

    /// A head that has closed round 0, with a fence of these workers.
    private static func head(_ workers: [RoundDecision.Worker], _ consistency: Consistency) throws -> Head {
        var head = Head(try state(try table(consistency)), needsAll: consistency.needsAll)
        try head.install(fence(workers))
        head.round.take([], decided: 0)
        try head.advance()
        return head
    }

    private static func bytes(_ state: PartitionState) -> [[UInt8]] {
        let payload = Payload(state.snapshot)
        return [Array(payload.head.readableBytesView)]
            + payload.segments.map { unsafe $0.segment.withUnsafeBytes { unsafe Array($0) } }
    }

    @Test("a push that comes twice in a round is one push of it: the round still waits for who is missing")
    func doubled() throws {
        let workers = (0..<3).map { Self.worker($0) }
        var head = try Self.head(workers, .synchronous(workers: 3))
        try head.take(RoundDecision(round: 1, senders: workers))
        let gradient: [Float] = Array(repeating: 1, count: 7)
        for worker in [workers[0], workers[1], workers[1], workers[0], workers[1]] {
            #expect(try head.receive(try Self.push(worker, round: 1, gradient)) == .held)
        }
        #expect(head.state.version.applied == 0)
        #expect(try head.receive(try Self.push(workers[2], round: 1, [3, 3, 3, 3, 3, 3, 3])) == .held)
        #expect(head.state.version.applied == 3 && head.state.round == 1 && head.state.auditCounter == 3)
        guard case .round(let step)? = head.records.last?.change else {
            Issue.record("the last record closes no round")
            return
        }
        #expect(step.pushes.map(\.session) == workers.map(\.session) && step.late.isEmpty)
        #expect(try step.gradient?.scalars(as: Float.self) == Array(repeating: (1 + 1 + 3) / 3, count: 7))
        for worker in workers {
            let answer = try #require(head.state.ledger.answer(to: 1, of: worker.session))
            #expect(answer.outcome == .applied && answer.version.applied == 3 && answer.staleness == 0)
            // A copy that comes now is answered as the first was.
            let outcome = try head.receive(try Self.push(worker, round: 1, gradient))
            #expect(outcome == nil)
        }
        #expect(head.state.version.applied == 3)
    }

    @Test("whoever is not in a round is late, its number is used up, and it is told which round stands")
    func late() throws {
        let workers = (0..<3).map { Self.worker($0) }
        var head = try Self.head(workers, .synchronous(workers: 3, backupWorkers: 1))
        let gradient: [Float] = Array(repeating: 1, count: 7)
        // One is here when the round is closed without it, another comes after.
        #expect(try head.receive(try Self.push(workers[1], round: 1, gradient)) == .held)
        #expect(try head.receive(try Self.push(workers[0], round: 1, gradient)) == .held)
        try head.take(RoundDecision(round: 1, senders: [workers[0]]))
        #expect(try head.receive(try Self.push(workers[2], round: 1, gradient)) == .late)
        #expect(head.state.version.applied == 1)
        for worker in workers.dropFirst() {
            let answer = try #require(head.state.ledger.answer(to: 1, of: worker.session))
            guard case .refused(.late, let message) = answer.outcome else {
                Issue.record("\(answer.outcome)")
                continue
            }
            #expect(message.contains("round 1 stands"))
            let counted = try #require(head.state.account.sessions.first { $0.session == worker.session })
            #expect(counted.rejected.contains(1) && !counted.applied.contains(1))
        }
        // They take part in the next.
        for worker in workers { _ = try head.receive(try Self.push(worker, round: 2, gradient)) }
        try head.take(RoundDecision(round: 2, senders: workers))
        #expect(head.state.round == 2 && head.state.version.applied == 4)
    }

    @Test(
        "a round is closed without a sender that died before its gradient came, and with what had come before it died")
    func deadSender() throws {
        let workers = (0..<3).map { Self.worker($0) }
        let gradient: [Float] = Array(repeating: 1, count: 7)
        var head = try Self.head(workers, .synchronous(workers: 3))
        #expect(try head.receive(try Self.push(workers[0], round: 1, gradient)) == .held)
        #expect(try head.receive(try Self.push(workers[1], round: 1, gradient)) == .held)
        try head.take(RoundDecision(round: 1, senders: workers))
        #expect(head.state.round == 0)
        try head.install(Self.fence(workers, ended: [workers[1], workers[2]]))
        #expect(head.state.round == 1 && head.state.version.applied == 2)

        var strict = try Self.head(workers, .deterministic(workers: 3))
        #expect(try strict.receive(try Self.push(workers[0], round: 1, gradient)) == .held)
        #expect(try strict.receive(try Self.push(workers[1], round: 1, gradient)) == .held)
        try strict.take(RoundDecision(round: 1, senders: workers))
        try strict.install(Self.fence(workers, ended: [workers[2]]))
        #expect(strict.state.round == 0)
    }

    @Test("gradients that wait are bounded: one too many is told both figures, and comes again")
    func bounded() throws {
        var round = PartitionRound()
        let push = try Self.push(Self.worker(0), round: 1, [1, 2])
        #expect(round.receive(push, limit: 8) == .held)
        #expect(round.receive(push, limit: 8) == .held)
        #expect(round.receive(try Self.push(Self.worker(1), round: 1, [1, 2]), limit: 8) == .full(bytes: 16))
        #expect(round.heldBytes == 8)
        // A later push of the same session takes the place of the first.
        var later = push
        later.sequence = 2
        #expect(round.receive(later, limit: 8) == .held)
        #expect(round.receive(push, limit: 8) == .overtaken)
        #expect(round.heldBytes == 8)
    }

    @Test(
        "in whatever order pushes, copies and decisions come, and whoever fails over: the same bits as one process makes",
        arguments: 1...200 as ClosedRange<UInt64>)
    func sameBits(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let count = 3
        let workers = (0..<count).map { Self.worker($0) }
        let consistency = Consistency.deterministic(workers: count)
        let table = try Self.table(consistency)
        var head = try Self.head(workers, consistency)
        // One process: the same gradients, one after the other.
        var parameters = try table.initialValues(ofPartition: 0)
        var optimizer = try table.updateRule.makeState(parameters.shape)
        var follower = try Self.state(table)
        var (executed, decided) = (0, UInt64(0))
        for round in 1...12 as ClosedRange<UInt64> {
            let current = try parameters.scalars(as: Float.self)
            let gradients = workers.map { worker in
                current.enumerated().map { place, value in
                    value * 0.3 + Float(worker.slot + place) / 7 - Float(round % 5) / 3
                }
            }
            var sum = gradients[0]
            for gradient in gradients.dropFirst() { for place in sum.indices { sum[place] += gradient[place] } }
            let mean = sum.map { $0 / Float(count) }
            let rate = table.schedule.learningRate(of: table.updateRule, step: optimizer.stepCount)
            try table.updateRule.apply(
                to: &parameters, gradient: AnyTensor(mean, shape: [7]), state: &optimizer, learningRate: rate)

            while head.state.round != round {
                if Int.random(in: 0..<25, using: &generator) == 0 {
                    // Another head, from the records: it has no gradient that waits, and its senders send again.
                    while executed < head.records.count {
                        try follower.execute(try Payload(head.records[executed]).decode())
                        executed += 1
                    }
                    let records = head.records
                    head = Head(follower, needsAll: true)
                    head.records = records
                    if decided > 0 {
                        try head.take(RoundDecision(round: decided, senders: workers))
                    } else {
                        head.round.take([], decided: 0)
                    }
                }
                let isDecided = decided == round
                if !isDecided, Int.random(in: 0..<4, using: &generator) == 0 {
                    decided = round
                    try head.take(RoundDecision(round: round, senders: workers))
                    continue
                }
                let slot = Int.random(in: 0..<count, using: &generator)
                let code = try head.receive(try Self.push(workers[slot], round: round, gradients[slot]))
                #expect(code == .held || code == nil, "seed \(seed): \(String(describing: code))")
            }
            #expect(try Example.bits(head.state.parameters) == Example.bits(parameters), "seed \(seed), round \(round)")
        }
        #expect(head.state.version.applied == 36 && head.state.auditCounter == 36)
        while executed < head.records.count {
            try follower.execute(try Payload(head.records[executed]).decode())
            executed += 1
        }
        #expect(Self.bytes(follower) == Self.bytes(head.state), "seed \(seed)")
    }

    @Test("a partition that begins or has gone back takes up the round that the leader has closed")
    func takesUp() throws {
        var head = Head(try Self.state(try Self.table(.synchronous(workers: 1))))
        try head.install(Self.fence([Self.worker(0)]))
        #expect(try head.receive(try Self.push(Self.worker(0), round: 1, Array(repeating: 1, count: 7))) == .busy)
        head.round.take([], decided: 41)
        try head.advance()
        #expect(head.state.round == 41 && head.state.version.applied == 0)
        #expect(try head.receive(try Self.push(Self.worker(0), round: 41, Array(repeating: 1, count: 7))) == .late)
        let snapshot: PartitionSnapshot = try Payload(head.state.snapshot).decode()
        #expect(snapshot.round == 41)
        let record = head.state.record(ofRestoring: snapshot, for: 3, epoch: 2)
        try head.execute(record)
        #expect(head.state.round == nil)
    }
}
