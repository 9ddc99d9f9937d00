import Coordination
import Identity
import MeshWire
import NIOCore
import Optimizers
import Tensor

/// The file of a row table's partition, read a piece at a time.
extension PartitionFile {
    /// What the file has, whose bytes are those that were written.
    ///
    /// Takes memory for the rows once.
    /// - Throws: ``ParameterServerError`` with `checkpointInvalid` and `checkpointFailed`.
    func snapshotOfRows(on runtime: any Runtime) async throws(ParameterServerError) -> PartitionSnapshot {
        let file: any LogFile
        do throws(LogFileError) {
            file = try await runtime.logs.open(path, mode: .reading)
        } catch {
            throw ParameterServerError(reading: error)
        }
        do throws(ParameterServerError) {
            let snapshot = try await snapshotOfRows(in: file)
            await file.close()
            return snapshot
        } catch {
            await file.close()
            throw error
        }
    }

    private func snapshotOfRows(in file: any LogFile) async throws(ParameterServerError) -> PartitionSnapshot {
        let layout = try await layout(of: file)
        try checkName(in: layout.metadata)
        guard let settings = table.rows, let count = layout.metadata["row_count"].flatMap({ Int($0) }),
            (0...settings.rowsPerPartition).contains(count)
        else {
            throw invalid("it has \(layout.metadata["row_count"] ?? "no") rows, expected those of a row table")
        }
        guard let bytes = layout.metadata["rows"].flatMap({ Base64URL.decode($0.utf8) }),
            let head = try? RowSnapshot.Head(messageBytes: bytes)
        else { throw invalid("its metadata do not say how its rows go on") }
        let columns: [RowColumn]
        let empty: [AnyTensor]
        do throws(TensorError) {
            columns = try RowColumn.all(of: table, rows: count)
            let parameters = try table.initialValues(ofPartition: name.index)
            empty = [parameters] + (try table.updateRule.makeState(parameters.shape).slots)
        } catch {
            throw invalid(error.message)
        }
        let (found, expected) = (layout.entries.map(\.described).sorted(), columns.map(\.described).sorted())
        guard found == expected else { throw invalid("it has the tensors \(found), expected \(expected)") }
        var builder = RowImageBuilder(table.rowLayout, rowsPerPartition: settings.rowsPerPartition)
        // Places come first: they say where the rest goes.
        for column in columns {
            for entry in layout.entries where entry.name == column.name {
                try await read(entry.bytes, column, of: file, into: &builder)
            }
        }
        return try snapshot(layout.metadata, empty, rows: builder.snapshot(head))
    }

    /// Gives a column's bytes to the builder.
    private func read(
        _ range: Range<Int>, _ column: RowColumn, of file: any LogFile, into builder: inout RowImageBuilder
    ) async throws(ParameterServerError) {
        let most = max(1, Self.pieceBytes / column.unitBytes) * column.unitBytes
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(start + most, range.upperBound)
            let piece = try await read(start..<end, of: file)
            do throws(WireError) {
                try builder.take(piece, of: column)
            } catch {
                throw invalid("tensor \(column.name): \(error.message)")
            }
            start = end
        }
    }

    private func layout(of file: any LogFile) async throws(ParameterServerError) -> SafetensorsLayout {
        let prefix = try await read(0..<SafetensorsLayout.prefixByteCount, of: file)
        let count: Int
        do throws(TensorError) {
            count = try SafetensorsLayout.headByteCount(prefix: Array(prefix.readableBytesView), source: path)
        } catch {
            throw invalid(error.message)
        }
        let head = Array(try await read(0..<min(count, Int(clamping: file.size)), of: file).readableBytesView)
        do throws(TensorError) {
            return try SafetensorsLayout(head: head, fileByteCount: Int(clamping: file.size), source: path)
        } catch {
            throw invalid(error.message)
        }
    }

    private func read(_ range: Range<Int>, of file: any LogFile) async throws(ParameterServerError) -> ByteBuffer {
        let bytes: ByteBuffer
        do throws(LogFileError) {
            bytes = try await file.read(Int64(range.lowerBound)..<Int64(range.upperBound))
        } catch {
            throw ParameterServerError(reading: error)
        }
        guard bytes.readableBytes == range.count else {
            throw invalid("it ends at byte \(range.lowerBound + bytes.readableBytes), inside its tensors")
        }
        return bytes
    }
}

extension SafetensorsLayout.Entry {
    fileprivate var described: String { "\(name): \(type)" }
}

extension RowColumn {
    fileprivate var described: String { "\(name): \(type)" }
}
