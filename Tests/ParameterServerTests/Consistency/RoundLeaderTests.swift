import Coordination
import MeshWire
import Testing

@testable import ParameterServer

@Suite struct RoundLeaderTests {
    private static func worker(_ slot: Int, life: UInt64 = 1) -> RoundDecision.Worker {
        RoundDecision.Worker(slot: slot, session: Example.session(life * 100 + UInt64(slot)))
    }

    /// A leader with these members, that has closed so many rounds with all of them.
    private static func leader(_ members: [RoundDecision.Worker], decided: UInt64 = 0) -> RoundLeader {
        var leader = RoundLeader()
        for member in members { leader.execute(.join(member, standing: 0)) }
        for round in 0..<decided {
            leader.execute(.decide(RoundDecision(round: round + 1, senders: members.sorted { $0.slot < $1.slot })))
        }
        return leader
    }

    private static func fence(living: [RoundDecision.Worker], ended: [RoundDecision.Worker] = []) -> SessionFence {
        SessionFence(
            living.map { SessionFence.Entry(slot: $0.slot, session: $0.session, owner: Example.worker) }
                + ended.map {
                    SessionFence.Entry(slot: $0.slot, session: $0.session, owner: Example.worker, hasEnded: true)
                })
    }

    @Test("the first round waits for as many workers as are declared, and names what it waits for")
    func firstRound() {
        let (first, second) = (Self.worker(0), Self.worker(1))
        var leader = Self.leader([first])
        let consistency = Consistency.synchronous(workers: 2)
        #expect(leader.decision(consistency, arrived: [first]) == nil)
        #expect(leader.awaited(consistency, arrived: [first]) == "1 more of 2 workers to declare the tables")
        leader.execute(.join(second, standing: 0))
        #expect(leader.decision(consistency, arrived: [first]) == nil)
        #expect(leader.awaited(consistency, arrived: [first]) == second.description)
        #expect(
            leader.decision(consistency, arrived: [second, first]) == RoundDecision(round: 1, senders: [first, second]))
    }

    @Test("with backup workers a round is closed without the slowest, by name and not by number")
    func backupWorkers() {
        let workers = (0..<4).map { Self.worker($0) }
        let leader = Self.leader(workers, decided: 1)
        let consistency = Consistency.synchronous(workers: 4, backupWorkers: 1)
        #expect(leader.decision(consistency, arrived: [workers[3], workers[0]]) == nil)
        #expect(
            leader.decision(consistency, arrived: [workers[3], workers[0], workers[2]])
                == RoundDecision(round: 2, senders: [workers[0], workers[2], workers[3]]))
    }

    @Test("a worker whose session ends leaves the open round, which is closed without it")
    func death() {
        let workers = (0..<3).map { Self.worker($0) }
        var leader = Self.leader(workers, decided: 1)
        #expect(leader.decision(.synchronous(workers: 3), arrived: [workers[0], workers[1]]) == nil)
        leader.leaveOut(Self.fence(living: [workers[0], workers[1]], ended: [workers[2]]))
        #expect(
            leader.decision(.synchronous(workers: 3), arrived: [workers[0], workers[1], workers[2]])?.senders
                == [workers[0], workers[1]])
    }

    @Test("a deterministic round waits for whoever takes the dead one's slot")
    func deterministic() {
        let workers = (0..<2).map { Self.worker($0) }
        var leader = Self.leader(workers, decided: 1)
        leader.leaveOut(Self.fence(living: [workers[0]], ended: [workers[1]]))
        let consistency = Consistency.deterministic(workers: 2)
        #expect(leader.decision(consistency, arrived: [workers[0], workers[1]]) == nil)
        #expect(
            leader.awaited(consistency, arrived: [workers[0]])
                == "a worker in slot 1, which has ended or not begun")
        let next = Self.worker(1, life: 2)
        leader.execute(.join(next, standing: 1))
        #expect(leader.decision(consistency, arrived: [workers[0], next])?.senders == [workers[0], next])
    }

    @Test("a leader that lost its decisions goes on after the last round that anybody knows of")
    func lostState() {
        var leader = RoundLeader()
        leader.execute(.join(Self.worker(0), standing: 57))
        leader.execute(.join(Self.worker(1), standing: 58))
        let decision = leader.decision(.synchronous(workers: 2), arrived: [Self.worker(0), Self.worker(1)])
        #expect(decision?.round == 59)
    }

    @Test(
        "whatever comes in whatever order: rounds have no gaps, senders have arrived and live, and a copy decides the same",
        arguments: 1...200 as ClosedRange<UInt64>)
    func anyOrder(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let workers = Int.random(in: 1...5, using: &generator)
        let backup = Int.random(in: 0..<workers, using: &generator)
        let consistency = Consistency.synchronous(workers: workers, backupWorkers: backup)
        var (leader, fence) = (RoundLeader(), SessionFence())
        var lives = Array(repeating: UInt64(0), count: workers)
        var arrived: Set<RoundDecision.Worker> = []
        for _ in 0..<100 {
            let slot = Int.random(in: 0..<workers, using: &generator)
            let worker = Self.worker(slot, life: lives[slot])
            switch Int.random(in: 0..<12, using: &generator) {
            case 0:
                lives[slot] += 1
                let next = Self.worker(slot, life: lives[slot])
                fence.merge(Self.fence(living: [next]))
                leader.leaveOut(fence)
                leader.execute(.join(next, standing: leader.decided))
            case 1 where lives[slot] > 0:
                fence.merge(Self.fence(living: [], ended: [worker]))
                leader.leaveOut(fence)
            default: if leader.isMember(worker) { arrived.insert(worker) }
            }
            guard let decision = leader.decision(consistency, arrived: arrived) else { continue }
            #expect(decision.round == leader.decided + 1, "seed \(seed)")
            #expect(decision.senders.allSatisfy { arrived.contains($0) && fence.isLiving($0) }, "seed \(seed)")
            #expect(decision.senders.count >= max(1, leader.members.count - backup), "seed \(seed)")
            let copy: RoundLeader = try Payload(leader).decode()
            #expect(copy == leader && copy.decision(consistency, arrived: arrived) == decision, "seed \(seed)")
            leader.execute(.decide(decision))
            arrived = []
        }
        #expect(leader.decisions.count <= RoundLeader.keptDecisions)
    }
}
