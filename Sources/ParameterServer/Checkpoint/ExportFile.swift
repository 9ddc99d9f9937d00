import MeshWire
import NIOCore
import Tensor

/// A plain safetensors file that takes the name of the one that is there, if any, when all of it is on disk.
struct ExportFile {
    private let file: any LogFile

    /// Writes a file.
    ///
    /// - Parameters:
    ///   - plan: what it has.
    ///   - body: gives ``append(_:)`` the bytes of the plan's tensors, in its order.
    /// - Throws: ``ParameterServerError/Code/checkpointFailed`` where it cannot be written, and what `body` throws;
    ///   then what was there before is as it was.
    static func write(
        _ path: String, _ plan: SafetensorsPlan, on runtime: any Runtime,
        _ body: (ExportFile) async throws(ParameterServerError) -> Void
    ) async throws(ParameterServerError) {
        let newPath = path + ".new"
        let export = ExportFile(
            file: try await writing { () throws(LogFileError) in
                try await runtime.logs.open(newPath, mode: .createIfAbsent)
            })
        do throws(ParameterServerError) {
            try await writing { () throws(LogFileError) in try await export.file.truncate(to: 0) }
            try await export.append(CollectionOfOne(ByteBuffer(bytes: plan.head)))
            try await body(export)
            try await writing { () throws(LogFileError) in
                try await export.file.sync()
                await export.file.close()
                try await runtime.logs.rename(newPath, to: path)
            }
        } catch {
            await export.file.close()
            try? await runtime.logs.remove(newPath)
            throw error
        }
    }

    /// Writes pieces, each made when the one before has gone to the file.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointFailed``.
    func append(_ pieces: some Sequence<ByteBuffer>) async throws(ParameterServerError) {
        try await Self.writing { () throws(LogFileError) in
            for piece in pieces { try await file.append([piece]) }
        }
    }

    private static func writing<Result>(
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
