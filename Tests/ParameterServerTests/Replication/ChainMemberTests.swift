import Coordination
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@testable import ParameterServer

@Suite struct ChainMemberTests {
    @Test(
        "whatever is late, doubled, cut off or dies, what a head has told is at every server of the chain, and all end alike",
        arguments: [1, 2])
    func exhaustion(followers: Int) {
        var (failovers, joins, snapshots, told) = (0, 0, 0, 0)
        for seed in 1...UInt64(rounds(20)) {
            var model = ChainModel(seed: seed, followers: followers)
            for _ in 0..<1_500 { model.step(disturbs: true) }
            model.settle()
            #expect(model.problems == [], "seed \(seed)")
            if !model.problems.isEmpty { return }
            failovers += model.failovers
            joins += model.joins
            snapshots += model.snapshots
            told += model.acknowledged.count
        }
        #expect(failovers > 0 && joins > failovers && snapshots >= joins && told > 0)
    }

    private static func place(
        _ server: String, _ chain: [String], epoch: UInt64 = 1, joining: String = ""
    ) throws -> ChainPlace {
        let entry = PartitionMap.Partition(
            id: PartitionID(rawValue: 1), head: chain[0], epoch: epoch, byteCount: 0,
            followers: Array(chain.dropFirst()), joining: joining)
        return try #require(ChainPlace(of: server, in: entry))
    }

    private static func member(
        _ place: ChainPlace, isLogged: Bool = false, joiningBytes: Int = 1 << 20
    ) -> ChainMember {
        var member = ChainMember(
            standingAt: 0, epoch: 1, isLogged: isLogged, limits: ChainMember.Limits(joiningBytes: joiningBytes))
        member.take(place)
        member.open()
        return member
    }

    private static func append(_ count: Int, to member: inout ChainMember, epoch: UInt64 = 1) {
        for _ in 0..<count {
            let record = PartitionRecord(
                position: member.appended + 1, epoch: epoch, change: .fence(SessionFence()))
            member.append(record, at: RuntimeInstant(nanoseconds: 0))
            member.execute()
        }
    }

    @Test(
        "a record that a head cannot execute has never been, and who joins begins again; a head that followers wait with ends",
        arguments: [0, 1, 2])
    func withdraws(others: Int) throws {
        let place =
            try others == 2 ? Self.place("a", ["a", "b"]) : Self.place("a", ["a"], joining: others == 1 ? "b" : "")
        var head = Self.member(place)
        Self.append(2, to: &head)
        if others == 1 { head.successorReached() }
        let record = PartitionRecord(position: 3, epoch: 1, change: .fence(SessionFence()))
        head.append(record, at: RuntimeInstant(nanoseconds: 0))
        head.withdraw()
        #expect(head.hasFailed == (others == 2))
        guard others < 2 else { return }
        #expect(head.appended == 2 && head.window.count == 0)
        // The next record has the same position.
        Self.append(1, to: &head)
        #expect(head.appended == 3 && head.executed == 3 && head.committed == 3)
        #expect(head.window.count == others)
    }

    @Test("a head alone commits what it executes and keeps nothing")
    func alone() throws {
        var head = Self.member(try Self.place("a", ["a"]))
        Self.append(3, to: &head)
        #expect(head.committed == 3 && head.window.count == 0 && !head.waitsForSuccessor)
    }

    @Test("a head commits nothing that its tail has not acknowledged in this epoch, however often it is told")
    func waits() throws {
        var head = Self.member(try Self.place("a", ["a", "b"]))
        head.successorReached()
        guard case .begin(isJoining: false)? = head.next() else {
            Issue.record("it does not begin")
            return
        }
        head.successorStands(at: ChainStanding(position: 0, epoch: 1), epoch: 1)
        Self.append(2, to: &head)
        head.successorAcknowledged(2, epoch: 0)
        head.successorAcknowledged(3, epoch: 1)
        #expect(head.committed == 0)
        head.successorAcknowledged(1, epoch: 1)
        #expect(head.committed == 1 && head.window.count == 1)
        head.successorAcknowledged(2, epoch: 1)
        #expect(head.committed == 2 && head.window.count == 0 && head.uncommittedBytes == 0)
    }

    @Test("what a member acknowledges is in its own log, and in its successor's")
    func acknowledgesWhatIsLogged() throws {
        var middle = Self.member(try Self.place("b", ["a", "b", "c"]), isLogged: true)
        #expect(!middle.waitsForLog)
        _ = middle.predecessorBegins(on: 7, epoch: 1, isJoining: false)
        _ = middle.reply(on: 7)
        middle.successorReached()
        _ = middle.next()
        middle.successorStands(at: ChainStanding(position: 0, epoch: 1), epoch: 1)
        Self.append(3, to: &middle)
        middle.successorAcknowledged(2, epoch: 1)
        #expect(middle.committed == 2 && middle.waitsForLog && middle.replyStream == nil)
        middle.logged(through: 1)
        #expect(middle.reply(on: 7)?.content == .acknowledged(1))
        middle.logged(through: 3)
        #expect(!middle.waitsForLog)
        #expect(middle.reply(on: 7)?.content == .acknowledged(2))
        middle.successorAcknowledged(3, epoch: 1)
        #expect(middle.reply(on: 7)?.content == .acknowledged(3))
    }

    @Test("a server that joins counts when its log has the snapshot, also where nothing was pushed yet")
    func joinsWhenLogged() throws {
        var joining = Self.member(try Self.place("b", ["a"], joining: "b"), isLogged: true)
        _ = joining.predecessorBegins(on: 7, epoch: 1, isJoining: true)
        #expect(joining.reply(on: 7)?.content == .stands(ChainStanding(position: 0, epoch: 1)))
        #expect(joining.reply(on: 7) == nil && joining.waitsForLog)
        joining.logged(through: 0)
        #expect(joining.reply(on: 7)?.content == .acknowledged(0) && !joining.waitsForLog)
    }

    @Test("a member that stands at records of another life of the head, which lost them, is sent a snapshot")
    func standsElsewhere() throws {
        // The head has lost records 3 and 4 of epoch 1, and begun epoch 2 with a record 3 of its own.
        var head = Self.member(try Self.place("a", ["a"], epoch: 2, joining: "b"))
        Self.append(2, to: &head)
        Self.append(4, to: &head, epoch: 2)
        for (standing, isPrefix) in [
            (ChainStanding(position: 2, epoch: 1), true), (ChainStanding(position: 4, epoch: 1), false),
            (ChainStanding(position: 3, epoch: 2), true), (ChainStanding(position: 6, epoch: 2), true),
            (ChainStanding(position: 2, epoch: 2), false),
        ] {
            head.successorReached()
            _ = head.next()
            head.successorStands(at: standing, epoch: 2)
            #expect((head.wish == .snapshot) == !isPrefix, "\(standing)")
        }
    }

    @Test("a follower that is told of a later epoch refuses the earlier one once, and the head takes no more pushes")
    func stale() throws {
        var head = Self.member(try Self.place("a", ["a", "b"]))
        var follower = Self.member(try Self.place("b", ["a", "b"]))
        #expect(follower.predecessorBegins(on: 7, epoch: 1, isJoining: false) == .taken)
        #expect(follower.reply(on: 7)?.content == .stands(ChainStanding(position: 0, epoch: 1)))
        follower.take(try Self.place("b", ["b"], epoch: 2))
        #expect(follower.reply(on: 7)?.content == .stale(2))
        #expect(follower.reply(on: 7) == nil)
        #expect(follower.reception(ofRecordAt: 1, on: 7, epoch: 1) == .stale(2))
        #expect(head.takesPushes)
        head.successorIsLater(2)
        #expect(!head.takesPushes && head.wish == .map(2))
    }

    @Test("a follower that stands before what is kept, or after what there is, is dropped")
    func apart() throws {
        for position in [nil, 1, 5] as [UInt64?] {
            var middle = Self.member(try Self.place("b", ["a", "b", "c"]))
            middle.successorReached()
            _ = middle.next()
            middle.successorStands(at: ChainStanding(position: 0, epoch: 1), epoch: 1)
            Self.append(4, to: &middle)
            middle.successorAcknowledged(2, epoch: 1)
            middle.successorLost()
            middle.successorReached()
            _ = middle.next()
            middle.successorStands(at: position.map { ChainStanding(position: $0, epoch: 1) }, epoch: 1)
            #expect(middle.wish == .drop("c"), "\(String(describing: position))")
        }
    }

    @Test("a joining server that is too slow is given up and sent a newer snapshot, and the limit holds")
    func slow() throws {
        var tail = Self.member(try Self.place("a", ["a"], joining: "b"), joiningBytes: 2_048)
        tail.successorReached()
        _ = tail.next()
        tail.successorStands(at: nil, epoch: 1)
        #expect(tail.wish == .snapshot)
        let begins = tail.beginSnapshot(at: 0, pieces: 2)
        #expect(begins && tail.committed == 0)
        for _ in 0..<200 {
            Self.append(1, to: &tail)
            #expect(tail.window.bytes <= 2_048)
        }
        // It was never waited for.
        #expect(tail.committed == 200 && tail.restarts > 0 && tail.wish == .snapshot)
        let releases = tail.releasePiece()
        #expect(!releases)
    }

    @Test("a snapshot that is lost while it is sent is followed by a newer one, and one that was sent is not missed")
    func lostSnapshot() throws {
        var tail = Self.member(try Self.place("a", ["a"], joining: "b"))
        tail.successorReached()
        _ = tail.next()
        tail.successorStands(at: nil, epoch: 1)
        _ = tail.beginSnapshot(at: 0, pieces: 2)
        _ = tail.releasePiece()
        guard case .piece(0)? = tail.next() else {
            Issue.record("no piece left")
            return
        }
        tail.loseSnapshot()
        #expect(tail.wish == .snapshot && tail.restarts == 1)
        Self.append(3, to: &tail)
        let begins = tail.beginSnapshot(at: 3, pieces: 1)
        #expect(begins)
        _ = tail.releasePiece()
        guard case .piece(0)? = tail.next() else {
            Issue.record("the newer snapshot does not begin with its first piece")
            return
        }
        tail.loseSnapshot()
        #expect(tail.wish == nil && tail.restarts == 1)
        tail.successorStands(at: ChainStanding(position: 3, epoch: 1), epoch: 1)
        tail.successorAcknowledged(3, epoch: 1)
        #expect(tail.wish == .join("b"))
    }

    @Test("a joining server counts before the coordinator is asked, so that it has all that was ever acknowledged")
    func counts() throws {
        var tail = Self.member(try Self.place("a", ["a"], joining: "b"))
        Self.append(2, to: &tail)
        tail.successorReached()
        _ = tail.next()
        tail.successorStands(at: nil, epoch: 1)
        _ = tail.beginSnapshot(at: 2, pieces: 1)
        _ = tail.releasePiece()
        _ = tail.next()
        Self.append(3, to: &tail)
        tail.successorStands(at: ChainStanding(position: 2, epoch: 1), epoch: 1)
        // It has executed them; what its log has it says next.
        #expect(!tail.waitsForSuccessor)
        tail.successorAcknowledged(2, epoch: 1)
        // It lacks three records, which are acknowledged; what comes now waits for it.
        #expect(tail.committed == 5 && tail.waitsForSuccessor && tail.wish == nil)
        Self.append(1, to: &tail)
        #expect(tail.committed == 5)
        tail.successorAcknowledged(5, epoch: 1)
        #expect(tail.wish == .join("b") && tail.committed == 5)
        // The coordinator may have done it: nothing is acknowledged without it any more, though its stream ends.
        tail.successorLost()
        Self.append(1, to: &tail)
        #expect(tail.committed == 5 && tail.waitsForSuccessor)
        tail.take(try Self.place("a", ["a"], epoch: 2))
        #expect(tail.committed == 7)
    }
}
