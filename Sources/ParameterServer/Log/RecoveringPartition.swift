import Coordination
import MeshWire
import NIOCore
import Tensor

/// A partition while a log is read, or while it is sent to a server that joins: its origin, then a snapshot or none,
/// then its records.
struct RecoveringPartition {
    private let origin: PartitionOrigin
    private let limits: PushLedger.Limits
    private let functions: ServerFunctions
    private var snapshot: SnapshotAssembler?
    private var state: PartitionState?

    /// - Parameter functions: those that its records may call.
    init(_ origin: PartitionOrigin, limits: PushLedger.Limits, functions: ServerFunctions = ServerFunctions()) {
        self.origin = origin
        self.limits = limits
        self.functions = functions
    }

    /// Whether all pieces of a snapshot are there.
    var isWhole: Bool { snapshot?.isWhole ?? false }

    /// Takes a piece of the snapshot.
    ///
    /// - Throws: ``WireError`` for one that has no place.
    mutating func add(_ piece: ByteBuffer) throws(WireError) {
        if snapshot == nil {
            guard state == nil else { throw WireError(.malformed, "a snapshot's piece without a beginning") }
            snapshot = SnapshotAssembler()
        }
        try snapshot?.add(piece)
    }

    /// Executes a record, unless the snapshot has it already.
    ///
    /// - Throws: ``ParameterServerError`` with `snapshotInvalid` for one that does not follow, `unknownFunction` and
    ///   `functionFailed` for a call that cannot be made here.
    mutating func execute(_ record: PartitionRecord) throws(ParameterServerError) {
        var current = try take()
        defer { state = current }
        guard record.position > current.position else { return }
        guard record.position == current.position + 1 else {
            throw invalid("record \(record.position) follows \(current.position)")
        }
        let outcome = try current.prepared(record)
        do throws(TensorError) {
            _ = try current.execute(record, prepared: outcome)
        } catch {
            throw invalid("record \(record.position): \(error)")
        }
    }

    /// The partition as it stood at the log's end.
    mutating func finish() throws(ParameterServerError) -> PartitionState { try take() }

    /// The state, taken out so that it is changed in place; made of origin and snapshot at first.
    private mutating func take() throws(ParameterServerError) -> PartitionState {
        if let known = state {
            state = nil
            return known
        }
        let table: TableDeclaration
        do throws(WireError) {
            table = try TableDeclaration(messageBytes: origin.declaration)
        } catch {
            throw invalid("its declaration: \(error.message)")
        }
        guard (0..<table.partitionCount).contains(origin.index) else { throw invalid("it is no part of its table") }
        let name = PartitionName(table: table.name, index: origin.index)
        if let pieces = snapshot {
            guard pieces.isWhole else { throw invalid("its snapshot is not whole") }
            let snapshot: PartitionSnapshot
            do throws(WireError) {
                snapshot = try pieces.snapshot()
            } catch {
                throw invalid("its snapshot: \(error.message)")
            }
            self.snapshot = nil
            return try PartitionState(
                snapshot, id: origin.partition, name: name, of: table, epoch: snapshot.epoch,
                intactSince: snapshot.intactSince, limits: limits, functions: functions)
        }
        do throws(TensorError) {
            return try PartitionState(
                id: origin.partition, name: name, of: table, epoch: origin.epoch, intactSince: origin.intactSince,
                parameters: table.initialValues(ofPartition: origin.index), fence: origin.fence, limits: limits,
                functions: functions)
        } catch {
            throw invalid("\(error)")
        }
    }

    private func invalid(_ reason: String) -> ParameterServerError {
        ParameterServerError(.snapshotInvalid, "partition \(origin.partition): \(reason)")
    }
}
