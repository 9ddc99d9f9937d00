import Coordination
import MeshWire
import Tensor

/// What a table begins with that is not its declaration's first values: tensors of a plain safetensors file, where they
/// lie in it.
enum TableStart {
    /// A dense table's elements, with one axis.
    case elements(AnyTensor)
    /// A row table's rows, float32 `[rows, rowWidth]`, with their keys, and which of them each partition has.
    case rows(AnyTensor, keys: [UInt64], partitions: [[Int]])

    /// What a partition is that begins so and has taken no step.
    func snapshot(of table: TableDeclaration, partition: Int) throws(TensorError) -> PartitionSnapshot {
        let parameters =
            switch self {
            case .elements(let values): try values.sliced(axis: 0, table.elements(ofPartition: partition))
            case .rows: try table.initialValues(ofPartition: partition)
            }
        var snapshot = try PartitionState(
            id: PartitionID(rawValue: 0), name: PartitionName(table: table.name, index: partition), of: table, epoch: 1,
            intactSince: 1, parameters: parameters, fence: SessionFence(), limits: PushLedger.Limits()
        ).snapshot
        if case .rows(let values, let keys, let partitions) = self, let settings = table.rows {
            var rows = RowTable(settings, of: table, partition: partition)
            let width = table.shape.elementCount
            values.withBytes { bytes in
                for number in partitions[partition] {
                    // Safe: the tensor has `width` floats for each key; whether there is room was checked.
                    let row = unsafe bytes.baseAddress! + number * width * 4
                    _ = unsafe rows.begin(keys[number], with: row.assumingMemoryBound(to: Float.self))
                }
            }
            snapshot.rows = RowSnapshot(rows.image)
        }
        return snapshot
    }

    /// What tables begin with, of a file.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointInvalid``, which names every tensor that is missing or does
    ///   not fit.
    static func all(
        of tables: [TableDeclaration], in path: String
    ) throws(ParameterServerError) -> [TableStart] {
        let file: NamedTensors
        do throws(TensorError) { file = try Safetensors.read(path) } catch {
            throw ParameterServerError(.checkpointInvalid, error.message, cause: error)
        }
        var problems: [String] = []
        var starts: [TableStart] = []
        for table in tables {
            guard let tensor = file[table.name] else {
                problems.append("tensor \(table.name) is missing")
                continue
            }
            do throws(TensorError) {
                if let start = try make(table, tensor, keys: file[table.keysName], &problems) { starts.append(start) }
                if tensor.type.dtype == .float32, let index = try tensor.firstNonFinite() {
                    problems.append("element \(index) of tensor \(table.name) is not finite")
                }
            } catch {
                problems.append("tensor \(table.name): \(error.message)")
            }
        }
        guard problems.isEmpty else {
            throw ParameterServerError(
                .checkpointInvalid,
                "\(path): \(problems.joined(separator: "; ")); name a file of this model, or declare the tables as it has them"
            )
        }
        return starts
    }

    private static func make(
        _ table: TableDeclaration, _ tensor: AnyTensor, keys: AnyTensor?, _ problems: inout [String]
    ) throws(TensorError) -> TableStart? {
        guard let settings = table.rows else {
            let expected = TensorType(.float32, table.shape)
            guard tensor.type == expected else {
                problems.append("tensor \(table.name) is \(tensor.type), and the table \(expected)")
                return nil
            }
            return .elements(try tensor.reshaped(to: Shape([tensor.elementCount])))
        }
        guard let keys else {
            problems.append("tensor \(table.keysName), of the keys of the rows, is missing")
            return nil
        }
        let expected = TensorType(.float32, try Shape([keys.elementCount, table.shape.elementCount]))
        guard tensor.type == expected, [.uint64, .int64].contains(keys.type.dtype), keys.type.shape.count == 1 else {
            problems.append(
                "tensor \(table.name) is \(tensor.type) and its keys \(keys.type), and the table's rows are \(expected) with keys uint64 or int64"
            )
            return nil
        }
        let numbers =
            keys.type.dtype == .uint64
            ? try keys.scalars(as: UInt64.self) : try keys.scalars(as: Int64.self).map { UInt64(bitPattern: $0) }
        var partitions = [[Int]](repeating: [], count: table.partitionCount)
        var seen: Set<UInt64> = []
        for (number, key) in numbers.enumerated() {
            let partition = table.partition(ofRow: key)
            if let fault = table.fault(ofRow: key, partition: partition) {
                problems.append("tensor \(table.keysName): \(fault.message)")
                return nil
            }
            guard seen.insert(key).inserted else {
                problems.append("tensor \(table.keysName) has row \(key) twice")
                return nil
            }
            partitions[partition].append(number)
        }
        if let most = partitions.map(\.count).max(), most > settings.rowsPerPartition {
            problems.append(
                "tensor \(table.keysName) has \(most) rows of one partition, and the table at most \(settings.rowsPerPartition)"
            )
            return nil
        }
        return .rows(tensor, keys: numbers, partitions: partitions)
    }
}
