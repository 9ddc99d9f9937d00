import Coordination
import Identity
import MeshTransport
import MeshWire
import Tensor

extension ParameterServer {
    /// Keeps partitions for a reader, or lets go of them.
    func snapshot(_ request: SnapshotRequest, _ call: CallContext) async throws -> SnapshotResponse {
        let key = SnapshotTable.Key(owner: call.peer, number: request.number)
        do throws(ParameterServerError) {
            switch request.verb {
            case .keep:
                var partitions: [Partition] = []
                for id in request.partitions {
                    let partition = try await hosted.partition(id)
                    if let denial = denial(.pull, table: partition.name.table, call.peer) { throw denial }
                    partitions.append(partition)
                }
                return try await snapshots.keep(partitions, in: key, lease: request.lease, until: call.deadline)
            case .renew: return try snapshots.renew(request.partitions, in: key, lease: request.lease)
            case .release: return snapshots.release(request.partitions, in: key)
            default:
                throw ParameterServerError(
                    .malformedRequest,
                    "a snapshot is kept (1), renewed (2) or released (3), not \(request.verb.rawValue)")
            }
        } catch {
            if error.code == .notAllowed { throw refusal(error, of: .pull, call) }
            throw error.callFailure(error.code.pullStatus)
        }
    }

    /// What a snapshot has of a partition that a pull asks for, copies of rows included.
    func pull(
        _ entry: PullRequest.Entry, in snapshot: UInt64, _ keys: AnyTensor?, _ call: CallContext,
        within limits: inout RowLimits
    ) async throws(CallFailure) -> (AnyTensor, PartitionVersion) {
        do throws(ParameterServerError) {
            let kept = try snapshots.kept(
                entry.partition, in: SnapshotTable.Key(owner: call.peer, number: snapshot))
            if let denial = denial(.pull, table: kept.name.table, call.peer) { throw denial }
            let bytes = try limits.bytes(keys, of: kept.table, kept.name)
            limits.inAnswer -= bytes
            guard bytes > limits.onLoop else {
                limits.onLoop -= bytes
                return (try kept.values(of: keys), kept.version)
            }
            let values = await withTaskExecutorPreference(mesh.runtime.computeExecutor) {
                () async -> Result<AnyTensor, ParameterServerError> in
                do throws(ParameterServerError) {
                    return .success(try kept.values(of: keys))
                } catch {
                    return .failure(error)
                }
            }
            return (try values.get(), kept.version)
        } catch {
            if error.code == .notAllowed { throw refusal(error, of: .pull, call) }
            throw error.callFailure(error.code.pullStatus)
        }
    }
}
