import Coordination
import MeshWire
import NIOCore
import Tensor

extension ParameterReader {
    /// Writes tables to a safetensors file that any program reads, in place of the one that is there, if any: the parameters
    /// under the tables' names, and nothing else.
    ///
    /// One table is in memory at a time. The file takes its name when all of it is on disk. Each partition is consistent in
    /// itself; while workers push, partitions are of different moments.
    /// - Parameters:
    ///   - names: the tables, whatever others there are; default all.
    ///   - path: the file; its folder must exist.
    /// - Throws: ``ParameterServerError`` with `checkpointFailed` where the file cannot be written, and as ``pull(_:)`` does.
    public func export(_ names: [String]? = nil, to path: String) async throws(ParameterServerError) {
        let map = try await map()
        let tables = try TableSet(map, named: names, callBytes: .max).tables
        let plan: SafetensorsPlan
        do throws(TensorError) {
            plan = try SafetensorsPlan(tables.map { ($0.name, TensorType(.float32, $0.shape)) })
        } catch {
            throw ParameterServerError(.checkpointFailed, "\(path): \(error.message)", cause: error)
        }
        let newPath = path + ".new"
        let file = try await writing { () throws(LogFileError) in
            let file = try await runtime.logs.open(newPath, mode: .createIfAbsent)
            try await file.truncate(to: 0)
            try await file.append([ByteBuffer(bytes: plan.head)])
            return file
        }
        do throws(ParameterServerError) {
            for place in plan.order {
                let name = tables[place].name
                guard let tensor = try await pull([name], in: map)[name] else { continue }
                try await writing { () throws(LogFileError) in
                    for piece in Segment(tensor).pieces(ofAtMost: 1 << 20) { try await file.append([piece]) }
                }
            }
            try await writing { () throws(LogFileError) in
                try await file.sync()
                await file.close()
                try await runtime.logs.rename(newPath, to: path)
            }
        } catch {
            await file.close()
            try? await runtime.logs.remove(newPath)
            throw error
        }
    }

    private func writing<Result>(
        _ body: () async throws(LogFileError) -> Result
    ) async throws(ParameterServerError) -> Result {
        do throws(LogFileError) {
            return try await body()
        } catch {
            throw ParameterServerError(
                .checkpointFailed, "\(error.path): \(error.message); what was there before is as it was", cause: error)
        }
    }
}
