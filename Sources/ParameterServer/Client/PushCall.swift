import Coordination
import Identity
import MeshTransport
import MeshWire
import Tensor

/// One partition's share of a step, with the bytes and the number that it keeps however often it is sent and to whom.
struct NumberedPush: Sendable {
    let identity: PushIdentity
    let acknowledgedThrough: UInt64
    /// The version that the gradient was computed from.
    let basis: PartitionVersion
    /// The step's clock with bounded staleness, else 0.
    let clock: UInt64
    let share: GradientShare
    /// The round that it is for, of a table that has rounds; else 0.
    let round: UInt64

    /// The share of `place`.
    init(
        _ place: TableSet.Place, of session: SessionID, _ number: PushNumbers.Number, basis: PartitionVersion,
        clock: UInt64 = 0, _ share: GradientShare, round: UInt64 = 0
    ) {
        identity = PushIdentity(session: session, partition: place.id, name: place.name, sequence: number.sequence)
        acknowledgedThrough = number.acknowledgedThrough
        self.basis = basis
        self.clock = clock
        self.share = share
        self.round = round
    }

    var byteCount: Int { share.gradient.count + (share.keys?.count ?? 0) }
}

/// The pushes of a step that leave in one call, to one server.
struct PushCall: Sendable {
    let share: TableSet.Share
    let pushes: [NumberedPush]
    private(set) var request: PushRequest
    private(set) var deduplication: Deduplication

    /// - Parameter share: the places of the pushes, in their order, with their server.
    init(_ pushes: [NumberedPush], to share: TableSet.Share, from session: WorkerSession) {
        self.share = share
        self.pushes = pushes
        request = PushRequest(slot: session.slot)
        deduplication = Deduplication(session: session.id, entries: [])
        for push in pushes {
            deduplication.entries.append(
                Deduplication.Entry(
                    scope: push.identity.partition.rawValue, sequence: push.identity.sequence,
                    acknowledgedThrough: push.acknowledgedThrough))
            var entry = PushRequest.Entry(
                partition: push.identity.partition, increment: 1, basis: push.basis, round: push.round)
            entry.clock = push.clock
            entry.encoding = push.share.encoding.rawValue
            request.entries.append(entry)
            request.gradients.append(push.share.gradient)
        }
        if pushes.contains(where: { $0.share.keys != nil }) {
            request.keys = pushes.map { $0.share.keys ?? Segment(copying: []) }
        }
    }

    /// Sends the pushes; the mesh repeats the same bytes to the same life of the server until they are answered, the
    /// life has ended, the map has another head or the time is over.
    func send(
        _ routes: TableRoutes, timeout: Duration, _ priority: CallPriority = .normal
    ) async -> PushReport {
        do throws(ParameterServerError) {
            return report(
                try await routes.call(share) { (client) throws(MeshError) in
                    try await client.call(
                        ParameterService.push, request, timeout: timeout, priority: priority,
                        deduplication: deduplication)
                })
        } catch {
            return report(error)
        }
    }

    /// Asks for the answers to the pushes, which wait for their round.
    func collect(_ routes: TableRoutes, round: UInt64, timeout: Duration) async -> PushReport {
        let collection = RoundCollection(
            worker: RoundDecision.Worker(slot: request.slot, session: deduplication.session), round: round,
            entries: pushes.map {
                RoundCollection.Entry(partition: $0.identity.partition, sequence: $0.identity.sequence)
            })
        do throws(ParameterServerError) {
            return report(
                try await routes.call(share) { (client) throws(MeshError) in
                    try await client.call(RoundService.collect, collection, timeout: timeout)
                })
        } catch {
            return report(error)
        }
    }

    func report(_ error: ParameterServerError) -> PushReport {
        var report = PushReport()
        report.failed = pushes.map { PushReport.Failure(push: $0.identity, error: error) }
        return report
    }

    func report(_ response: PushResponse) -> PushReport {
        guard response.replies.lazy.map(\.partition).elementsEqual(pushes.lazy.map(\.identity.partition)) else {
            return report(
                ParameterServerError(
                    .callFailed, "\(pushes.count) pushes were sent, the answers are not theirs",
                    peer: share.server.identity.description))
        }
        var report = PushReport()
        for (push, reply) in zip(pushes, response.replies) {
            switch reply.outcome {
            case .applied:
                report.acknowledged.append(
                    PushReport.Acknowledgement(
                        push: push.identity, version: reply.version, durability: reply.durability,
                        staleness: reply.staleness, isReplay: reply.isReplay))
                if let answer = reply.answer { report.answers[reply.partition] = answer }
            case .skipped(let message):
                report.skipped.append(PushReport.Skip(push: push.identity, reason: message))
            case .refused(let code, let message):
                let peer = share.server.identity.description
                report.failed.append(
                    PushReport.Failure(push: push.identity, error: ParameterServerError(code, message, peer: peer)))
                if let standing = reply.standing {
                    report.standing[reply.partition] = (standing, reply.version.epoch)
                }
            }
        }
        return report
    }
}
