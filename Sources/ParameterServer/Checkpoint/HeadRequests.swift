import Coordination
import Identity
import MeshTransport
import MeshWire
import Synchronization

/// What an answer about a partition is about.
protocol PartitionAnswer: Sendable {
    /// The partition's number.
    var answeredPartition: PartitionID { get }
}

extension CheckpointManifest.Partition: PartitionAnswer {
    var answeredPartition: PartitionID { id }
}

extension RestoredPartition: PartitionAnswer {
    var answeredPartition: PartitionID { partition }
}

/// Asks the heads of all partitions for something that takes long: all servers at once, each for a part after the
/// other, and whoever heads a partition then for what nobody answered.
struct HeadRequests {
    /// Makes one call.
    typealias Call<Answer> = @Sendable (MeshClient, TableSet.Share, Duration) async throws(MeshError) -> [Answer]

    private let routes: TableRoutes
    private let deadline: RuntimeInstant
    private let progress: ParameterCheckpoints.Progress?

    init(_ routes: TableRoutes, until deadline: RuntimeInstant, _ progress: ParameterCheckpoints.Progress?) {
        self.routes = routes
        self.deadline = deadline
        self.progress = progress
    }

    /// The answers about all partitions.
    ///
    /// - Throws: the first error that no other server and no later time would answer otherwise, or the last one of
    ///   the others.
    func answers<Answer: PartitionAnswer>(
        _ call: @escaping Call<Answer>
    ) async throws(ParameterServerError) -> [PartitionID: Answer] {
        let all = try routes.tables().shares.flatMap(\.places).map(\.id)
        var missing = Set(all)
        var answers: [PartitionID: Answer] = [:]
        var failure: ParameterServerError?
        let done = ProgressCount(total: all.count, progress)
        try await routes.retrying(until: deadline) { tables, time throws(ParameterServerError) in
            failure = nil
            for result in await ask(tables.shares(of: missing), time, done, call) {
                do throws(ParameterServerError) {
                    for answer in try result.get() {
                        answers[answer.answeredPartition] = answer
                        missing.remove(answer.answeredPartition)
                    }
                } catch {
                    guard error.mayBeAnsweredElsewhere else { throw error }
                    failure = failure ?? error
                }
            }
            return failure != nil
        }
        if let failure { throw failure }
        return answers
    }

    private func ask<Answer: PartitionAnswer>(
        _ shares: [TableSet.Share], _ time: Duration, _ done: ProgressCount, _ call: @escaping Call<Answer>
    ) async -> [Result<[Answer], ParameterServerError>] {
        // Shares come in the order of servers.
        let lines = shares.reduce(into: [[TableSet.Share]]()) { lines, share in
            if lines.last?.last?.server == share.server {
                lines[lines.count - 1].append(share)
            } else {
                lines.append([share])
            }
        }
        return await lines.mapAllAtOnce { line in
            var results: [Result<[Answer], ParameterServerError>] = []
            for share in line {
                // A task of its own: a map that has the partitions elsewhere ends it.
                async let answer = ask(share, time, call)
                let result = await answer
                results.append(result)
                // What this server has not been asked for yet is asked for anew.
                guard case .success = result else { break }
                done.add(share.places.count)
            }
            return results
        }.flatMap { $0 }
    }

    private func ask<Answer: PartitionAnswer>(
        _ share: TableSet.Share, _ time: Duration, _ call: @escaping Call<Answer>
    ) async -> Result<[Answer], ParameterServerError> {
        do throws(ParameterServerError) {
            let answers = try await routes.call(share) { (client) throws(MeshError) in
                try await call(client, share, time)
            }
            return Self.checked(answers, share)
        } catch {
            return .failure(error)
        }
    }

    private static func checked<Answer: PartitionAnswer>(
        _ answers: [Answer], _ share: TableSet.Share
    ) -> Result<[Answer], ParameterServerError> {
        guard answers.map(\.answeredPartition) == share.places.map(\.id) else {
            return .failure(
                ParameterServerError(
                    .callFailed, "\(share.places.count) partitions were asked for, the answers are of others",
                    peer: share.server.identity.description))
        }
        return .success(answers)
    }
}

/// Counts what is done, over all servers. Guarded by a mutex, also while it tells, so that figures come in order.
private final class ProgressCount: Sendable {
    private let done: Mutex<Int>
    private let total: Int
    private let progress: ParameterCheckpoints.Progress?

    init(total: Int, _ progress: ParameterCheckpoints.Progress?) {
        done = Mutex(0)
        self.total = total
        self.progress = progress
    }

    func add(_ count: Int) {
        guard let progress else { return }
        done.withLock { done in
            done += count
            progress(CheckpointProgress(done: done, total: total))
        }
    }
}
