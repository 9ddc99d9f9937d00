import Coordination
import MeshWire
import Tensor

extension ParameterReader {
    /// Writes dense tables to a safetensors file that any program reads, in place of the one that is there, if any: the
    /// parameters under the tables' names, and nothing else. Row tables are exported of a checkpoint:
    /// ``ParameterCheckpoints/export(_:step:to:)``.
    ///
    /// One table is in memory at a time. The file takes its name when all of it is on disk. Each partition is
    /// consistent in itself; while workers push, partitions are of different moments.
    /// - Parameters:
    ///   - names: the tables, whatever others there are; default all dense ones.
    ///   - path: the file; its folder must exist.
    /// - Throws: ``ParameterServerError`` with `checkpointFailed` where the file cannot be written, and as
    ///   ``pull(_:)`` does.
    public func export(_ names: [String]? = nil, to path: String) async throws(ParameterServerError) {
        let map = try await map()
        let tables = try TableSet(map, named: names, callBytes: .max).tables.filter { names != nil || $0.rows == nil }
        let plan: SafetensorsPlan
        do throws(TensorError) {
            plan = try SafetensorsPlan(tables.map { ($0.name, TensorType(.float32, $0.shape)) })
        } catch {
            throw ParameterServerError(.checkpointFailed, "\(path): \(error.message)", cause: error)
        }
        try await ExportFile.write(path, plan, on: runtime) { (file) throws(ParameterServerError) in
            for place in plan.order {
                let name = tables[place].name
                guard let tensor = try await pull([name], in: map)[name] else { continue }
                try await file.append(Segment(tensor).pieces(ofAtMost: 1 << 20))
            }
        }
    }
}
