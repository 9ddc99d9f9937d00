import Coordination
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

/// What a partition makes of calls of its host's functions.
@Suite struct FunctionCallTests {
    private typealias Functions = ExampleFunctions

    @Test("a copy of a call gets the answer that was kept, and changes nothing; what was acknowledged is not run again")
    func copies() throws {
        var head = try CalledPartition(try Example.table())
        let call = try Functions.call(1, Functions.id(Functions.add), Float(2))
        let first = try head.receive(call)
        #expect(first.outcome == .applied && !first.isReplay && first.version.applied == 1)
        #expect(try first.value(as: Float.self) == 2)
        // Another one, so that running the first again would answer otherwise.
        _ = try head.receive(try Functions.call(2, Functions.id(Functions.add), Float(5)))
        let before = head.bytes
        let copy = try head.receive(call)
        #expect(copy.isReplay && copy.outcome == .applied && copy.answer == first.answer)
        #expect(head.bytes == before)
        #expect(try head.elements == [7, 7, 7, 7])
        _ = try head.receive(try Functions.call(3, Functions.id(Functions.add), Float(1), acknowledgedThrough: 2))
        #expect(try head.receive(call).outcome.code == .acknowledged)
        #expect(try head.elements == [8, 8, 8, 8])
        let account = head.state.account
        #expect(account.counter == 3 && account.version.applied == 3 && account.appliedInLedger == 3)
        #expect(head.state.optimizer.stepCount == 0)
    }

    @Test("calls that arrive in another order than they left each run once, and between pushes")
    func reordered() throws {
        var head = try CalledPartition(try Example.table(rule: .sgd(learningRate: 1)))
        for sequence in [3, 1, 4, 2] as [UInt64] {
            let reply =
                sequence == 2
                ? try head.receive(try Example.push(2))
                : try head.receive(try Functions.call(sequence, Functions.id(Functions.add), Float(sequence)))
            #expect(reply.outcome == .applied)
        }
        #expect(try head.elements == Array(repeating: 3 + 1 + 4 - 1, count: 4))
        #expect(head.state.account.appliedInLedger == 4)
    }

    @Test("a session that made way calls nothing, and one of an earlier epoch is told of the roll-back")
    func fenced() throws {
        var head = try CalledPartition(try Example.table())
        let record = try #require(head.state.record(of: Example.fence(Example.session(2))))
        _ = try head.state.execute(record)
        let old = try head.receive(try Functions.call(1, Functions.id(Functions.add), Float(1)))
        #expect(old.outcome.code == .sessionFenced)
        let early = try head.receive(
            try Functions.call(
                1, Functions.id(Functions.add), Float(1), of: Example.session(2),
                basis: PartitionVersion(epoch: 0, applied: 0)))
        #expect(early.outcome.code == .rolledBack)
        #expect(try head.elements == [0, 0, 0, 0])
    }

    @Test(
        "what a function does wrong is the call's answer, also to its copies, and every value stays",
        arguments: [
            ("throws", .functionFailed), ("not finite", .nonFinite), ("shape", .functionFailed),
            ("slots", .functionFailed), ("answer", .answerTooLarge),
        ] as [(String, ParameterServerError.Code)])
    func failures(how: String, code: ParameterServerError.Code) throws {
        var head = try CalledPartition(try Example.table(initializer: .constant(3), rule: .adam()))
        let before = head.state.snapshot
        let call = try Functions.call(1, Functions.id(Functions.wrong), how)
        let reply = try head.receive(call)
        #expect(reply.outcome.code == code, "\(reply.outcome)")
        let copy = try head.receive(call)
        #expect(copy.isReplay && copy.outcome == reply.outcome)
        let after = head.state.snapshot
        #expect(try Example.bits(after.parameters) == Example.bits(before.parameters))
        #expect(try after.slots.map(Example.bits) == before.slots.map(Example.bits))
        #expect(after.applied == 0 && after.auditCounter == 0)
        // It is answered by a record, which needs no function.
        var follower = try CalledPartition(try Example.table(initializer: .constant(3), rule: .adam()), functions: [])
        _ = try follower.state.execute(try Payload(head.records[0]).decode())
        #expect(follower.bytes == head.bytes)
    }

    @Test("values that are not finite are passed over where the table has it so")
    func skipped() throws {
        var table = try Example.table()
        table.nonFinitePolicy = .skip
        var head = try CalledPartition(table)
        let reply = try head.receive(try Functions.call(1, Functions.id(Functions.wrong), "not finite"))
        guard case .skipped = reply.outcome else {
            Issue.record("\(reply.outcome)")
            return
        }
        #expect(try head.elements == [0, 0, 0, 0])
    }

    @Test(
        "an unknown function, another version, one that reads, a wrong argument, rows of a dense table: named and refused"
    )
    func refusals() throws {
        var head = try CalledPartition(try Example.table())
        func outcome(_ push: PartitionPush) throws -> (ParameterServerError.Code?, String) {
            switch try head.receive(push).outcome {
            case .refused(let code, let message): (code, message)
            default: (nil, "")
            }
        }
        let unknown = try outcome(try Functions.call(1, FunctionID(name: "none", version: 1), Float(1)))
        #expect(unknown.0 == .unknownFunction && unknown.1.contains("no function none@1"))
        let version = try outcome(try Functions.call(2, FunctionID(name: "noise", version: 1), Float(1)))
        #expect(version.0 == .unknownFunction && version.1.contains("noise has version 2"))
        #expect(try outcome(try Functions.call(3, Functions.id(Functions.squares), 1.0)).0 == .malformedRequest)
        let argument = try outcome(try Functions.call(4, Functions.id(Functions.add), ["a text"]))
        #expect(argument.0 == .malformedRequest && argument.1.contains("add@1 is no Float"), "\(argument)")
        #expect(
            try outcome(try Functions.call(5, Functions.id(Functions.add), Float(1), rows: [1])).0 == .shapeMismatch)
        var elsewhere = try Functions.call(6, Functions.id(Functions.add), Float(1))
        elsewhere.call?.refusal = ParameterServerError(.unknownFunction, "server b of its chain has no function add@1")
        #expect(try outcome(elsewhere).1.contains("server b of its chain"))
        #expect(try head.elements == [0, 0, 0, 0])
        // What is known to have been applied is answered, whatever the chain has become.
        let call = try Functions.call(7, Functions.id(Functions.add), Float(1))
        _ = try head.receive(call)
        elsewhere = call
        elsewhere.call?.refusal = ParameterServerError(.unknownFunction, "")
        #expect(try head.receive(elsewhere).isReplay)
    }

    @Test("answers that a session does not acknowledge take a bounded memory; the call may come again after it has")
    func bounded() throws {
        var head = try CalledPartition(try Example.table())
        #expect(try head.receive(try Functions.call(1, Functions.id(Functions.wrong), "large")).outcome == .applied)
        let second = try Functions.call(2, Functions.id(Functions.wrong), "large")
        #expect(try head.receive(second).outcome.code == .ledgerFull)
        #expect(head.state.ledger.usage.bytes > 40 << 10)
        var later = second
        later.acknowledgedThrough = 1
        #expect(try head.receive(later).outcome == .applied)
        #expect(try head.elements == [2, 2, 2, 2])
    }

    @Test("between the steps of rounds there is no place for a function")
    func rounds() throws {
        let table = try TableDeclaration(
            name: "weight", shape: [4], initializer: .zeros, key: RandomKey(seed: 5), updateRule: .sgd(learningRate: 1),
            partitioning: .count(1), consistency: .synchronous(workers: 1))
        var head = try CalledPartition(table)
        let reply = try head.receive(try Functions.call(1, Functions.id(Functions.add), Float(1)))
        #expect(reply.outcome.code == .malformedRequest)
        #expect(head.records.isEmpty)
    }

    // MARK: Others that execute the records

    private static func table(_ isOfRows: Bool, _ rule: UpdateRule) throws -> TableDeclaration {
        guard isOfRows else {
            return try TableDeclaration(
                name: "weight", shape: [19], initializer: .uniform(low: -1, high: 1), key: RandomKey(seed: 3),
                updateRule: rule, schedule: .cosine(steps: 200))
        }
        return try RowPartition.table(width: 3, rule: rule) { $0.timeToLive = 9 }
    }

    @Test(
        "whoever executes the records of calls and pushes holds the same bits, from the start or from a snapshot",
        arguments: [false, true], 1...4 as ClosedRange<UInt64>)
    func reexecution(isOfRows: Bool, seed: UInt64) throws {
        let rule: UpdateRule = seed.isMultiple(of: 2) ? .adam() : .sgd(learningRate: 0.1, momentum: 0.9)
        let table = try Self.table(isOfRows, rule)
        var head = try CalledPartition(table)
        var generator = SplitMix64(seed: seed)
        for step in 0..<150 as Range<UInt64> {
            // Copies and holes, in any order, around a number that rises.
            let sequence = UInt64.random(in: step / 2 + 1...step / 2 + 8, using: &generator)
            let acknowledged = sequence - UInt64.random(in: 1...min(12, sequence), using: &generator)
            let keys =
                isOfRows ? Set((0..<5).map { _ in UInt64.random(in: 0..<12, using: &generator) }).sorted() : nil
            let basis = PartitionVersion(epoch: 1, applied: 0)
            var push: PartitionPush
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                push = try Functions.call(
                    sequence, Functions.id(Functions.clip), Float(0.4), rows: keys, acknowledgedThrough: acknowledged)
            case 1:
                push = try Functions.call(
                    sequence, Functions.id(Functions.noise), 0.3, rows: keys, acknowledgedThrough: acknowledged)
            case 2:
                let how = ["throws", "not finite", "fine"].randomElement(using: &generator) ?? ""
                push = try Functions.call(
                    sequence, Functions.id(Functions.wrong), how, rows: keys, acknowledgedThrough: acknowledged)
            default:
                let count = keys.map { 3 * $0.count } ?? 19
                push = try Example.push(
                    sequence, gradient: (0..<count).map { _ in Float.random(in: -1...1, using: &generator) },
                    acknowledgedThrough: acknowledged, basis: basis)
                push.keys = try keys.map { try AnyTensor($0, shape: [$0.count]) }
            }
            _ = try head.receive(push)
        }
        let calls = head.records.count {
            if case .call = $0.change { true } else { false }
        }
        #expect(calls > 10 && head.records.count > calls + 10, "seed \(seed)")
        var follower = try CalledPartition(table)
        var seeded: PartitionState?
        for (index, record) in head.records.enumerated() {
            if index == head.records.count / 3 {
                seeded = try PartitionState(
                    try Payload(follower.state.snapshot).decode(), id: follower.state.id, name: follower.state.name,
                    of: table, epoch: 1, intactSince: 1, limits: PushLedger.Limits(),
                    functions: try ServerFunctions(Functions.all))
            }
            // As it comes over the wire or from a disk.
            let received: PartitionRecord = try Payload(record).decode()
            _ = try follower.execute(received)
            _ = try seeded?.execute(received)
        }
        #expect(follower.bytes == head.bytes, "seed \(seed)")
        #expect(RowPartition.bytes(try #require(seeded).snapshot) == head.bytes, "seed \(seed)")
    }

    @Test("two calls of one function draw other numbers, and one call the same ones everywhere")
    func keys() throws {
        var head = try CalledPartition(try Example.table())
        _ = try head.receive(try Functions.call(1, Functions.id(Functions.noise), 0.5))
        let first = try head.elements
        _ = try head.receive(try Functions.call(2, Functions.id(Functions.noise), 0.5))
        let both = try head.elements
        #expect(Set(first).count == 4 && zip(first, both).allSatisfy { $1 != 2 * $0 })
    }

    @Test("whoever lacks the function, or comes to other bits, takes nothing of the record, and says why")
    func divergence() throws {
        var head = try CalledPartition(try Example.table())
        _ = try head.receive(try Functions.call(1, Functions.id(Functions.add), Float(1)))
        let other = ServerFunction(updating: "add") { (values: inout PartitionValues, step: Float) -> Float in
            values.parameters = values.parameters + 2 * step
            return 1
        }
        let throwing = ServerFunction(updating: "add") { (_: inout PartitionValues, _: Float) -> Float in
            throw Functions.Failure()
        }
        let ofTexts = ServerFunction(updating: "add") { (_: inout PartitionValues, _: String) -> Float in 1 }
        for (functions, code) in [
            ([], .unknownFunction), ([other.registered], .functionFailed), ([throwing.registered], .functionFailed),
            ([ofTexts.registered], .functionFailed),
        ] as [([RegisteredFunction], ParameterServerError.Code)] {
            var follower = try CalledPartition(try Example.table(), functions: functions)
            let before = follower.bytes
            let error = #expect(throws: ParameterServerError.self) { try follower.state.prepared(head.records[0]) }
            #expect(error?.code == code, "\(String(describing: error))")
            #expect(throws: TensorError.self) { try follower.state.execute(head.records[0]) }
            #expect(follower.bytes == before)
        }
    }

    @Test("a function of rows sees and changes those that exist, and makes none")
    func rows() throws {
        var head = try CalledPartition(try RowPartition.table(width: 2, rule: .sgd(learningRate: 1)))
        var push = try Example.push(1, gradient: [1, 1, 1, 1])
        push.keys = try AnyTensor([UInt64(3), 8], shape: [2])
        _ = try head.receive(push)
        let held = head.state.rowSnapshots
        let before = try RowPartition.pull([3, 5, 8], of: head.state)
        let reply = try head.receive(try Functions.call(2, Functions.id(Functions.clip), Float(0.25), rows: [3, 5, 8]))
        #expect(reply.outcome == .applied)
        let after = try RowPartition.pull([3, 5, 8], of: head.state)
        let clipped = before.map { Float(bitPattern: $0) }.map { min(max($0, -0.25), 0.25).bitPattern }
        #expect(after[0..<2] == clipped[0..<2] && after[4..<6] == clipped[4..<6])
        // It does not exist, and is read as it would begin.
        #expect(after[2..<4] == before[2..<4])
        #expect(head.state.rows?.rowCount == 2)
        #expect(try reply.value(as: Int.self) == [0, 1, 4, 5].count { abs(Float(bitPattern: before[$0])) > 0.25 })
        _ = held
        let none = try head.receive(try Functions.call(3, Functions.id(Functions.clip), Float(0.25), rows: [100]))
        #expect(try none.outcome == .applied && none.value(as: Int.self) == 0)
    }
}
