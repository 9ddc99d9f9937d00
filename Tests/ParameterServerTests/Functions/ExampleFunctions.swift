import Coordination
import MeshWire
import Tensor

@testable import ParameterServer

/// Functions as hosts register them.
enum ExampleFunctions {
    struct Failure: Error {}

    /// Brings all elements into `-limit...limit`, and says how many were not.
    static let clip = ServerFunction(updating: "clip", combine: +) {
        (values: inout PartitionValues, limit: Float) -> Int in
        let before = values.parameters
        values.parameters = before.clipped(from: Tensor(-limit), to: Tensor(limit))
        return try before.core.scalars(as: Float.self).count { abs($0) > limit }
    }

    /// Adds to every element, and answers with the largest after it.
    static let add = ServerFunction(updating: "add", combine: max) {
        (values: inout PartitionValues, step: Float) -> Float in
        values.parameters = values.parameters + step
        return try values.parameters.core.scalars(as: Float.self).max() ?? -.infinity
    }

    /// Adds noise to the elements, and halves what the rule remembers.
    static let noise = ServerFunction(updating: "noise", version: 2) {
        (values: inout PartitionValues, scale: Double) -> Int in
        let shape = values.parameters.shape
        values.parameters = values.parameters + Tensor.uniform(shape, in: -scale..<scale, key: values.key)
        for (name, slot) in values.slots { values.slots[name] = slot * 0.5 }
        return values.elements.lowerBound
    }

    /// Does wrong what a function can do wrong.
    static let wrong = ServerFunction(updating: "wrong") { (values: inout PartitionValues, how: String) -> [UInt8] in
        let before = values.parameters
        values.parameters = before + 1
        switch how {
        case "throws": throw Failure()
        case "not finite": values.parameters = before * Float.nan
        case "shape": values.parameters = Tensor.concatenate([before, before])
        case "slots": values.slots["none"] = before
        case "answer": return Array(repeating: 7, count: 1 << 17)
        case _ where how.hasPrefix("large"): return Array(repeating: 7, count: 40 << 10)
        default: break
        }
        return []
    }

    /// The sum of the squares, and how many elements there are.
    static let squares = ServerFunction(reading: "squares", combine: { [$0[0] + $1[0], $0[1] + $1[1]] }) {
        (values: PartitionValues, power: Double) -> [Double] in
        let elements = try values.parameters.core.scalars(as: Float.self)
        guard power >= 0 else { throw Failure() }
        return [elements.reduce(0) { $0 + Double($1) * Double($1) }, Double(elements.count)]
    }

    static let all = [clip.registered, add.registered, noise.registered, wrong.registered, squares.registered]

    static func id<Argument, Answer>(_ function: ServerFunction<Argument, Answer>) -> FunctionID {
        function.registered.id
    }

    /// A call of a session as it arrives at a partition.
    static func call<Argument: Codable & Sendable>(
        _ sequence: UInt64, _ function: FunctionID, _ argument: Argument, of session: SessionID = Example.session(1),
        rows keys: [UInt64]? = nil, acknowledgedThrough: UInt64 = 0,
        basis: PartitionVersion = PartitionVersion(epoch: 1, applied: 0)
    ) throws -> PartitionPush {
        let bytes = try CodableMessage(argument).encoded()
        var push = PartitionPush(
            session: session, slot: 0, peer: Example.worker, sequence: sequence,
            acknowledgedThrough: acknowledgedThrough, gradient: try Segment(copying: bytes).bytes(),
            keys: try keys.map { try AnyTensor($0, shape: [$0.count]) }, basis: basis)
        push.call = PartitionPush.Call(function)
        return push
    }
}

/// One partition whose host has functions, as a head drives it.
struct CalledPartition {
    var state: PartitionState
    /// The records that it made.
    private(set) var records: [PartitionRecord] = []

    init(
        _ table: TableDeclaration, functions: [RegisteredFunction] = ExampleFunctions.all,
        limits: PushLedger.Limits = PushLedger.Limits()
    ) throws {
        state = try PartitionState(
            id: PartitionID(rawValue: 1), name: PartitionName(table: table.name, index: 0), of: table, epoch: 1,
            intactSince: 1, parameters: table.initialValues(ofPartition: 0), fence: Example.fence(Example.session(1)),
            limits: limits, functions: try ServerFunctions(functions))
    }

    mutating func receive(_ push: PartitionPush) throws -> PushReply {
        let fault =
            push.call == nil
            ? state.table.fault(in: push.gradient, keys: push.keys, partition: 0)
            : state.table.fault(ofKeys: push.keys, partition: 0, areSorted: true)
        switch state.decide(push, fault: fault) {
        case .refuse(let reply), .answered(let reply): return reply
        case .hold: preconditionFailure("a table without rounds has a push wait for one")
        case .record(let record): return try execute(record)
        case .call(let record, let outcome): return try execute(record, outcome)
        }
    }

    mutating func execute(_ record: PartitionRecord, _ outcome: FunctionOutcome? = nil) throws -> PushReply {
        records.append(record)
        return try state.execute(record, prepared: outcome)[0]
    }

    /// All that the partition holds, as bytes.
    var bytes: [[UInt8]] { RowPartition.bytes(state.snapshot) }

    var elements: [Float] { get throws { try state.parameters.scalars(as: Float.self) } }
}

extension PushReply {
    /// What a function has answered.
    func value<Value: Codable & Sendable>(as type: Value.Type = Value.self) throws -> Value? {
        try answer.map { try CodableMessage<Value>(encoded: $0).value }
    }
}
