import Coordination
public import MeshWire
import Optimizers
import Tensor

extension TableDeclaration: MeshMessage {
    /// `meshwork.parameters.TableDeclaration`.
    public static let messageName = "meshwork.parameters.TableDeclaration"

    /// Reads a declaration; throws for one that
    /// ``init(name:shape:initializer:key:updateRule:schedule:partitioning:replicas:consistency:)`` refuses, and for
    /// element types, initializers and rules that are not known here.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var name = ""
        var dimensions: [UInt64] = []
        var dtype = UInt32(0)
        var initializer = EncodedInitializer()
        var key: UInt64 = 0
        var rule = EncodedUpdateRule()
        var partitionCount = 0
        var schedule = EncodedSchedule(.constant)
        var replicas = 0
        var rows: RowSettings?
        var consistency = EncodedConsistency(.asynchronous)
        var policy: UInt32 = 0
        var damping: StalenessDamping?
        while let field = try decoder.nextField() {
            switch field {
            case 1: name = try decoder.string()
            case 2: try decoder.packed(into: &dimensions)
            case 3: dtype = try decoder.uint32()
            case 4: initializer = try decoder.message()
            case 5: key = try decoder.fixed64()
            case 6: rule = try decoder.message()
            case 7: partitionCount = try decoder.count()
            case 8: schedule = try decoder.message()
            case 9: rows = try decoder.message()
            case 10: consistency = try decoder.message()
            case 12: policy = try decoder.uint32()
            case 13: damping = try decoder.message()
            case 20: replicas = try decoder.count()
            default: break
            }
        }
        guard let nonFinitePolicy = NonFinitePolicy(rawValue: policy) else {
            throw WireError(.malformed, "table \(name): the policy \(policy) for what is not finite is not known")
        }
        guard dtype == DType.float32.rawValue else {
            throw WireError(.malformed, "table \(name): element type \(dtype) is not float32")
        }
        do {
            if let rows {
                guard dimensions.count == 1 else {
                    throw WireError(.malformed, "table \(name): rows have one axis, not \(dimensions.count)")
                }
                try self.init(
                    name: name, rowWidth: Int(clamping: dimensions[0]), rows: rows, initializer: initializer.value(),
                    key: RandomKey(seed: key), updateRule: rule.value(), schedule: schedule.value(),
                    partitionCount: partitionCount, replicas: replicas, consistency: consistency.value())
                (self.nonFinitePolicy, self.damping) = (nonFinitePolicy, damping)
                return
            }
            try self.init(
                name: name, shape: Shape(dimensions.map { Int(clamping: $0) }), initializer: initializer.value(),
                key: RandomKey(seed: key), updateRule: rule.value(), schedule: schedule.value(),
                partitioning: .count(partitionCount), replicas: replicas, consistency: consistency.value())
            (self.nonFinitePolicy, self.damping) = (nonFinitePolicy, damping)
        } catch let error as WireError {
            throw error
        } catch {
            throw WireError(.malformed, "\(error)")
        }
    }

    /// Writes the declaration. Equal declarations have equal bytes, which is how the coordinator compares them.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, name)
        encoder.packed(2, shape.map { UInt64($0) })
        encoder.uint32(3, UInt32(DType.float32.rawValue))
        encoder.message(4, EncodedInitializer(initializer))
        encoder.fixed64(5, UInt64(key.word0) << 32 | UInt64(key.word1))
        encoder.message(6, EncodedUpdateRule(updateRule))
        encoder.uint64(7, UInt64(partitionCount))
        if schedule != .constant { encoder.message(8, EncodedSchedule(schedule)) }
        if let rows { encoder.message(9, rows) }
        if consistency != .asynchronous { encoder.message(10, EncodedConsistency(consistency)) }
        encoder.uint32(12, nonFinitePolicy.rawValue)
        if let damping { encoder.message(13, damping) }
        encoder.uint64(20, UInt64(replicas))
    }

    /// What a table of a map was declared as. A coordinator takes any bytes, so they are checked here, and against what
    /// the map says of the table, before anything is made of them.
    ///
    /// - Throws: ``ParameterServerError/Code/invalidDeclaration``, which names the table, for bytes that are no
    ///   declaration known here or that of another table, and for partitions that are not the declaration's.
    init(of table: PartitionMap.Table) throws(ParameterServerError) {
        func invalid(_ reason: String, cause: (any Error)? = nil) -> ParameterServerError {
            ParameterServerError(.invalidDeclaration, "table \(table.name): \(reason)", cause: cause)
        }
        do throws(WireError) {
            try self.init(messageBytes: table.declaration)
        } catch {
            throw invalid(error.message, cause: error)
        }
        guard name == table.name else { throw invalid("its declaration is that of table \(name)") }
        guard partitionCount == table.partitions.count else {
            throw invalid("it is declared with \(partitionCount) partitions and has \(table.partitions.count)")
        }
        guard replicas == table.replicas else {
            throw invalid("it is declared with \(replicas) replicas and has \(table.replicas)")
        }
        for (index, partition) in table.partitions.enumerated() {
            guard partition.byteCount == byteCount(ofPartition: index) else {
                throw invalid(
                    "partition \(index) is declared with \(byteCount(ofPartition: index)) bytes and has \(partition.byteCount)"
                )
            }
        }
    }

    /// What the coordinator is asked for.
    var request: TableRequest {
        TableRequest(
            name: name, declaration: messageBytes(),
            partitionByteCounts: (0..<partitionCount).map(byteCount(ofPartition:)), replicas: replicas)
    }

    /// What a partition takes: of a row table the most that its rows may.
    private func byteCount(ofPartition index: Int) -> UInt64 {
        if let rows { return UInt64(rows.rowsPerPartition) * UInt64(rowLayout.rowBytes) }
        return UInt64(elements(ofPartition: index).count * DType.float32.byteWidth)
    }
}

/// An ``/Tensor/Initializer`` on the wire: a number for its kind, and its bounds.
private struct EncodedInitializer: MeshMessage {
    static let messageName = "meshwork.parameters.Initializer"

    private var kind: UInt32 = 0
    private var low: Float = 0
    private var high: Float = 0

    init() {}

    init(_ initializer: Initializer) {
        switch initializer {
        case .zeros: kind = 1
        case .constant(let value): (kind, low) = (2, value)
        case .uniform(let low, let high): (kind, self.low, self.high) = (3, low, high)
        }
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: kind = try decoder.uint32()
            case 2: low = try decoder.float()
            case 3: high = try decoder.float()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, kind)
        encoder.float(2, low)
        encoder.float(3, high)
    }

    func value() throws(WireError) -> Initializer {
        switch kind {
        case 1: return .zeros
        case 2: return .constant(low)
        case 3: return .uniform(low: low, high: high)
        default: throw WireError(.malformed, "initializer number \(kind) is not known")
        }
    }
}

/// An ``/Optimizers/UpdateRule`` on the wire.
private struct EncodedUpdateRule: MeshMessage {
    static let messageName = "meshwork.parameters.UpdateRule"

    private var kind: UInt32 = 0
    /// Bit patterns, so that a rule keeps its exact numbers.
    private var hyperparameters: [UInt64] = []

    init() {}

    init(_ rule: UpdateRule) {
        kind = rule.kind.rawValue
        hyperparameters = rule.hyperparameters.map { UInt64($0.bitPattern) }
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: kind = try decoder.uint32()
            case 2: try decoder.packed(into: &hyperparameters)
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, kind)
        encoder.packed(2, hyperparameters)
    }

    func value() throws -> UpdateRule {
        try UpdateRule(
            kind: UpdateRule.Kind(rawValue: kind),
            hyperparameters: hyperparameters.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) })
    }
}

/// An ``/Optimizers/LearningRateSchedule`` on the wire.
private struct EncodedSchedule: MeshMessage {
    static let messageName = "meshwork.parameters.LearningRateSchedule"

    private var kind: UInt32 = 0
    /// Bit patterns, so that a schedule keeps its exact numbers.
    private var numbers: [UInt64] = []
    private var warmUpSteps = 0

    init(_ schedule: LearningRateSchedule) {
        kind = schedule.kind.rawValue
        numbers = schedule.numbers.map(\.bitPattern)
        warmUpSteps = schedule.warmUpSteps
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: kind = try decoder.uint32()
            case 2: try decoder.packed(into: &numbers)
            case 3: warmUpSteps = try decoder.count()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, kind)
        encoder.packed(2, numbers)
        encoder.uint64(3, UInt64(warmUpSteps))
    }

    func value() throws -> LearningRateSchedule {
        try LearningRateSchedule(
            kind: LearningRateSchedule.Kind(rawValue: kind), numbers: numbers.map(Double.init(bitPattern:)),
            warmUpSteps: warmUpSteps)
    }
}
