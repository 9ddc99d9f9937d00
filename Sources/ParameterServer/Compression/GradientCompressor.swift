import Coordination
import Synchronization
import Tensor

/// Encodes a client's gradients, and keeps what error feedback adds to the next ones.
///
/// Safe to use from any task: guarded by a mutex, which is held while a step is encoded, so that what one step leaves
/// out is in the next.
final class GradientCompressor: Sendable {
    private let compression: [String: GradientCompression]
    /// By partition; float32 with one axis.
    private let residuals = Mutex<[PartitionName: AnyTensor]>([:])

    init(_ compression: [String: GradientCompression]) { self.compression = compression }

    /// Throws `invalidConfiguration`, with every name that is none of the tables' and every table that cannot be so.
    ///
    /// - Parameter pulled: the names of tables whose pulls are compressed.
    func check(_ tables: [TableDeclaration], pulled: some Sequence<String>) throws(ParameterServerError) {
        var problems: [String] = []
        let byName = Dictionary(tables.lazy.map { ($0.name, $0) }) { first, _ in first }
        for name in pulled.sorted() where byName[name] == nil {
            problems.append("there is no table \(name) to pull")
        }
        for (name, compression) in compression.sorted(by: { $0.key < $1.key }) {
            guard let table = byName[name] else {
                problems.append("there is no table \(name)")
                continue
            }
            if table.rows != nil, compression.hasErrorFeedback {
                problems.append(
                    "\(name) is of rows, and \(compression) is for dense tables: take int8 or a 16-bit float")
            }
        }
        guard problems.isEmpty else {
            throw ParameterServerError(.invalidConfiguration, "compression: \(problems.joined(separator: "; "))")
        }
    }

    /// A step's gradients, in the order of the tables, with those encoded that are to be. A share that is not finite
    /// leaves as it is, for its partition to refuse, and no residual changes by it.
    func encode(_ step: [StepGradient], _ set: TableSet) throws(ParameterServerError) -> [StepGradient] {
        guard !compression.isEmpty else { return step }
        do throws(TensorError) {
            return try residuals.withLock { (residuals) throws(TensorError) in
                var encoded = step
                var changed: [PartitionName: AnyTensor] = [:]
                for (place, table) in set.tables.enumerated() {
                    guard let compression = compression[table.name] else { continue }
                    encoded[place] = .encoded(
                        try (0..<table.partitionCount).map { index throws(TensorError) in
                            guard let (values, keys) = try step[place].values(ofPartition: index, of: table) else {
                                return nil
                            }
                            let name = PartitionName(table: table.name, index: index)
                            let groups = table.groups(ofPartition: index, keys: keys)
                            return try Self.encode(
                                values, keys, groups, compression, residuals[name], &changed[name])
                        })
                }
                // Together: a step that cannot be encoded has left nothing out.
                residuals.merge(changed) { $1 }
                return encoded
            }
        } catch {
            throw ParameterServerError(
                .applyFailed, "the step cannot be encoded, and nothing of it was sent: \(error.message)", cause: error)
        }
    }

    private static func encode(
        _ values: AnyTensor, _ keys: AnyTensor?, _ groups: RowGroups, _ compression: GradientCompression,
        _ residual: AnyTensor?, _ left: inout AnyTensor?
    ) throws(TensorError) -> EncodedGradient {
        guard try values.firstNonFinite() == nil, values.elementCount > 0 else {
            return EncodedGradient(.none, bytes: try values.bytes(), keys: keys)
        }
        let whole = try residual.map { residual throws(TensorError) in try values + residual } ?? values
        let (encoding, bytes): (GradientEncoding, AnyTensor)
        switch compression {
        case .bfloat16: (encoding, bytes) = (.bfloat16, try whole.cast(to: .bfloat16).bytes())
        case .float16: (encoding, bytes) = (.float16, try whole.cast(to: .float16).bytes())
        case .int8: (encoding, bytes) = (.int8, try Int8Codec.encode(whole, groups))
        case .signs: (encoding, bytes) = (.signs, try SignCodec.encode(whole, groups))
        case .topK(let fraction):
            let count = max(1, Int((Double(whole.elementCount) * fraction).rounded(.up)))
            (encoding, bytes) = (.sparse, try SparseCodec.encode(whole, count: count))
        }
        let encoded = EncodedGradient(encoding, bytes: bytes, keys: keys)
        if compression.hasErrorFeedback { left = try whole - encoded.own(groups) }
        return encoded
    }

    /// Takes back what pushes carried that were not applied and never will be: error feedback sends it again.
    func takeBack(_ pushes: [NumberedPush], _ set: TableSet) {
        guard !compression.isEmpty else { return }
        let byName = Dictionary(set.tables.lazy.map { ($0.name, $0) }) { first, _ in first }
        for push in pushes where compression[push.identity.name.table]?.hasErrorFeedback == true {
            let share = push.share
            guard share.encoding != .none, let bytes = try? share.gradient.bytes(),
                let table = byName[push.identity.name.table]
            else { continue }
            let groups = table.groups(ofPartition: push.identity.name.index, keys: nil)
            guard let values = try? EncodedGradient(share.encoding, bytes: bytes, keys: nil).decoded(groups) else {
                continue
            }
            residuals.withLock { residuals in
                guard let residual = residuals[push.identity.name], let sum = try? residual + values else { return }
                residuals[push.identity.name] = sum
            }
        }
    }

    /// What is kept for each table with error feedback, of the table's shape.
    func kept(_ tables: [TableDeclaration]) throws(TensorError) -> NamedTensors {
        try residuals.withLock { (residuals) throws(TensorError) in
            var kept = NamedTensors()
            for table in tables where compression[table.name]?.hasErrorFeedback == true {
                let parts = try (0..<table.partitionCount).map { index throws(TensorError) in
                    if let part = residuals[PartitionName(table: table.name, index: index)] { return part }
                    return try AnyTensor.zeros([table.elements(ofPartition: index).count])
                }
                kept[table.name] = try AnyTensor.concatenate(parts).reshaped(to: table.shape)
            }
            return kept
        }
    }

    /// Goes on with what was kept.
    ///
    /// - Throws: ``ParameterServerError`` with `unknownParameter`, `shapeMismatch` or `dtypeMismatch`; then nothing
    ///   has changed.
    func restore(_ kept: NamedTensors, _ tables: [TableDeclaration]) throws(ParameterServerError) {
        var parts: [PartitionName: AnyTensor] = [:]
        for (name, tensor) in kept {
            guard let table = tables.first(where: { $0.name == name }), compression[name]?.hasErrorFeedback == true
            else {
                throw ParameterServerError(
                    .unknownParameter, "what was kept is of \(name), which is no table with error feedback here")
            }
            guard tensor.dtype == .float32 else {
                throw ParameterServerError(
                    .dtypeMismatch, "what was kept of \(name) is \(tensor.dtype), expected float32")
            }
            guard tensor.shape == table.shape else {
                throw ParameterServerError(
                    .shapeMismatch, "what was kept of \(name) is \(tensor.shape), expected \(table.shape)")
            }
            do throws(TensorError) {
                for index in 0..<table.partitionCount {
                    parts[PartitionName(table: name, index: index)] = try tensor.withoutTrace()
                        .reshaped(to: [table.shape.elementCount]).slice(elements: table.elements(ofPartition: index))
                }
            } catch {
                throw ParameterServerError(.applyFailed, "\(name): \(error.message)", cause: error)
            }
        }
        residuals.withLock { $0.merge(parts) { $1 } }
    }
}

extension EncodedGradient {
    /// What was just encoded, decoded: its bytes fit.
    fileprivate func own(_ groups: RowGroups) throws(TensorError) -> AnyTensor {
        do throws(ParameterServerError) {
            return try decoded(groups)
        } catch {
            throw TensorError(.outOfMemory, error.message)
        }
    }
}

extension StepGradient {
    /// The elements of a partition's share, with the keys of its rows; `nil` where there are none.
    fileprivate func values(
        ofPartition index: Int, of table: TableDeclaration
    ) throws(TensorError) -> (AnyTensor, AnyTensor?)? {
        switch self {
        case .dense(let gradient): return (try gradient.slice(elements: table.elements(ofPartition: index)), nil)
        case .rows(let parts):
            guard let part = parts[index] else { return nil }
            return (part.values, part.keys)
        case .nothing: return nil
        case .encoded: preconditionFailure("a gradient of \(table.name) was encoded twice")
        }
    }
}
