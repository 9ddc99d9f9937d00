import Coordination
import MeshTransport
import MeshWire
import Tensor

extension ParameterCheckpoints {
    /// Writes tables of a checkpoint to a safetensors file that any program reads, in place of the one that is there,
    /// if any: a dense table's parameters under its name; the rows of a row table under its name, `[rows, rowWidth]`,
    /// and their keys under `name.keys`, uint64 `[rows]`. ``warmStart(_:from:step:)`` reads such files.
    ///
    /// Read and written here, without the servers. One partition is in memory at a time; the files of row tables are
    /// read three times. Rows that have expired are left out.
    /// - Parameters:
    ///   - names: the tables, whatever others there are; default all.
    ///   - step: which checkpoint; default the last one.
    ///   - path: the file; its folder must exist.
    /// - Throws: ``ParameterServerError`` with `unknownParameter` for a name that the checkpoint does not have,
    ///   `checkpointInvalid` for a file of the checkpoint that is not what was written, `checkpointFailed`.
    public func export(
        _ names: [String]? = nil, step: UInt64? = nil, to path: String
    ) async throws(ParameterServerError) {
        try await folder.export(try await manifest(step), names, to: path)
    }
}

extension CheckpointFolder {
    /// What a tensor of an export has of a table.
    private enum Content {
        case parameters, keys, rows
    }

    /// See ``ParameterCheckpoints/export(_:step:to:)``.
    func export(
        _ manifest: CheckpointManifest, _ names: [String]?, to path: String
    ) async throws(ParameterServerError) {
        for name in names ?? [] where !manifest.tables.contains(where: { $0.declaration.name == name }) {
            throw ParameterServerError(.unknownParameter, "checkpoint \(manifest.step) has no table \(name)")
        }
        var parts: [(table: Int, content: Content)] = []
        var types: [(name: String, type: TensorType)] = []
        for (index, table) in manifest.tables.enumerated() where names?.contains(table.declaration.name) ?? true {
            let declaration = table.declaration
            guard declaration.rows != nil else {
                parts.append((index, .parameters))
                types.append((declaration.name, TensorType(.float32, declaration.shape)))
                continue
            }
            var count = 0
            for file in manifest.files where file.table == index {
                let snapshot = try await read(file, step: manifest.step)
                count +=
                    try snapshot.rows?.image().rowCount(declaration.rowLayout, where: snapshot.isLiving(declaration))
                    ?? 0
            }
            parts += [(index, .keys), (index, .rows)]
            do throws(TensorError) {
                types.append((declaration.keysName, TensorType(.uint64, try Shape([count]))))
                let shape = try Shape([count, declaration.shape.elementCount])
                types.append((declaration.name, TensorType(.float32, shape)))
            } catch {
                throw ParameterServerError(.checkpointFailed, "\(path): \(error.message)", cause: error)
            }
        }
        let plan: SafetensorsPlan
        do throws(TensorError) {
            plan = try SafetensorsPlan(types)
        } catch {
            throw ParameterServerError(.checkpointFailed, "\(path): \(error.message)", cause: error)
        }
        try await ExportFile.write(path, plan, on: runtime) { (export) throws(ParameterServerError) in
            for place in plan.order {
                for file in manifest.files where file.table == parts[place].table {
                    let snapshot = try await read(file, step: manifest.step)
                    try await append(parts[place].content, of: snapshot, file.declaration, to: export)
                }
            }
        }
    }

    private func append(
        _ content: Content, of snapshot: PartitionSnapshot, _ table: TableDeclaration, to export: ExportFile
    ) async throws(ParameterServerError) {
        guard let image = try snapshot.rows?.image() else {
            return try await export.append(Segment(snapshot.parameters).pieces(ofAtMost: PartitionFile.pieceBytes))
        }
        let layout = table.rowLayout
        let part = content == .keys ? RowColumn.Part.key : .elements(layout)
        try await export.append(image.pieces(of: part, layout, where: snapshot.isLiving(table)))
    }
}

extension PartitionSnapshot {
    /// Whether a row has not expired, by the count of pushes when it was last pushed.
    fileprivate func isLiving(_ table: TableDeclaration) -> (UInt64) -> Bool {
        let (clock, time) = (applied, table.rows?.timeToLive)
        return { pushed in
            guard let time, clock > pushed else { return true }
            return clock - pushed < time
        }
    }
}

extension TableDeclaration {
    /// What the keys of a row table are called in plain safetensors files.
    var keysName: String { "\(name).keys" }
}
