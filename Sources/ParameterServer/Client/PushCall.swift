import Coordination
import Identity
import MeshTransport
import MeshWire
import Tensor

/// The pushes of a step that leave in one call, to one server.
struct PushCall: Sendable {
    let server: ServerRecord
    private(set) var pushes: [PushIdentity] = []
    private var request: PushRequest
    private var deduplication: Deduplication

    init(to server: ServerRecord, from session: WorkerSession) {
        self.server = server
        request = PushRequest(slot: session.slot)
        deduplication = Deduplication(session: session.id, entries: [])
    }

    /// Adds a partition's share of a table's gradient, which is not copied.
    mutating func add(
        _ place: TableSet.Place, _ number: PushNumbers.Number, basis: PartitionVersion, of gradient: AnyTensor
    ) {
        pushes.append(
            PushIdentity(
                session: deduplication.session, partition: place.id, name: place.name, sequence: number.sequence))
        deduplication.entries.append(
            Deduplication.Entry(
                scope: place.id.rawValue, sequence: number.sequence, acknowledgedThrough: number.acknowledgedThrough))
        request.entries.append(PushRequest.Entry(partition: place.id, increment: 1, basis: basis))
        do throws(TensorError) {
            request.gradients.append(Segment(try gradient.sliced(axis: 0, place.elements)))
        } catch {
            preconditionFailure("partition \(place.name) is no part of its table: \(error)")
        }
    }

    /// Sends the pushes; the mesh repeats the same bytes until they are answered or the time is over.
    func send(_ clients: ServerClients, timeout: Duration) async -> PushReport {
        do throws(MeshError) {
            let response = try await clients.client(of: server)
                .call(ParameterService.push, request, timeout: timeout, deduplication: deduplication)
            return report(response)
        } catch {
            return report(ParameterServerError(error))
        }
    }

    private func report(_ error: ParameterServerError) -> PushReport {
        var report = PushReport()
        report.failed = pushes.map { PushReport.Failure(push: $0, error: error) }
        return report
    }

    private func report(_ response: PushResponse) -> PushReport {
        let peer = server.identity.description
        guard response.replies.map(\.partition) == pushes.map(\.partition) else {
            return report(
                ParameterServerError(
                    .callFailed, "\(pushes.count) pushes were sent, the answers are not theirs", peer: peer))
        }
        var report = PushReport()
        for (push, reply) in zip(pushes, response.replies) {
            switch reply.outcome {
            case .applied:
                report.acknowledged.append(
                    PushReport.Acknowledgement(
                        push: push, version: reply.version, durability: reply.durability, staleness: reply.staleness,
                        isReplay: reply.isReplay))
            case .refused(let code, let message):
                report.failed.append(
                    PushReport.Failure(push: push, error: ParameterServerError(code, message, peer: peer)))
            }
        }
        return report
    }
}
