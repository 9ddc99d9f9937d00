import Coordination
import Logging
import MeshTransport
import MeshWire
import NIOCore
import Synchronization

/// The stream from a server to another that follows it, for all partitions in which it does. It is opened again when it
/// ends, and when the other server starts anew. Guarded by a mutex.
final class ChainLink: Sendable {
    private struct State {
        var record: ServerRecord
        /// Partitions with something to send, while there is a stream.
        var due: DueList<PartitionID>?
        var isClosed = false
        /// Answers that have come.
        var answers: UInt64 = 0
    }

    private let replication: Replication
    private let state: Mutex<State>

    init(to record: ServerRecord, _ replication: Replication) {
        self.replication = replication
        state = Mutex(State(record: record))
    }

    private var runtime: any Runtime { replication.runtime }
    private var name: String { state.withLock { $0.record.name } }

    /// Something is to be sent.
    func mark(_ partition: PartitionID) { state.withLock { $0.due }?.mark(partition) }

    /// Goes on with the server's present life.
    func leads(to record: ServerRecord) {
        let ended = state.withLock { state -> DueList<PartitionID>? in
            guard state.record != record else { return nil }
            state.record = record
            return state.due
        }
        ended?.close()
    }

    /// Ends it for good.
    func close() {
        let ended = state.withLock { state in
            state.isClosed = true
            return state.due
        }
        ended?.close()
    }

    /// Has partitions that this server follows since begin on the stream that is open.
    func attach() {
        guard state.withLock({ $0.due }) != nil else { return }
        for partition in replication.partitions(followedBy: name) {
            partition.chained { if $0.isCutOff { $0.successorReached() } }
        }
    }

    /// Keeps a stream open until ``close()`` or the task is cancelled.
    func run() async {
        var wait = Self.firstWait
        var lastHeard = runtime.now
        while !Task.isCancelled {
            let (record, isClosed, answers) = state.withLock { ($0.record, $0.isClosed, $0.answers) }
            guard !isClosed else { return }
            do {
                try await exchange(with: record)
            } catch {
                replication.logger.warning(
                    "stream to a follower ended",
                    metadata: ["server": "\(replication.server)", "follower": "\(record.name)", "error": "\(error)"])
                // A server that has started anew is another one.
                if state.withLock({ $0.record == record && !$0.isClosed }) { replication.reportLoss(of: record) }
            }
            if state.withLock({ $0.answers }) != answers { (wait, lastHeard) = (Self.firstWait, runtime.now) }
            giveUpIfLate(record, since: lastHeard)
            let share = Double(runtime.randomBits() >> 11) / Double(1 << 53)
            guard (try? await runtime.sleep(for: wait * (0.5 + share / 2))) != nil else { return }
            wait = min(wait * 2, Self.longestWait)
        }
    }

    private func exchange(with record: ServerRecord) async throws {
        let client = replication.coordination.mesh.client(record.destination)
        defer { client.close() }
        try await withTaskExecutorPreference(client.executor) { try await exchange(with: record, client) }
    }

    private func exchange(with record: ServerRecord, _ client: MeshClient) async throws {
        try await client.call(ReplicationService.chain, timeout: Self.streamTime) { sender, replies in
            let due = DueList<PartitionID>()
            state.withLock { $0.due = due }
            defer {
                state.withLock { $0.due = nil }
                for partition in replication.partitions(followedBy: record.name) {
                    partition.chained { $0.successorLost() }
                }
            }
            for partition in replication.partitions(followedBy: record.name) {
                partition.chained { $0.successorReached() }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let id = await due.next() { try await self.send(id, to: record.name, sender, due) }
                }
                group.addTask {
                    for try await reply in replies { self.take(reply, from: record.name) }
                }
                group.addTask { try await self.watch(record) }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    private func send(
        _ id: PartitionID, to name: String, _ sender: RequestSender<ChainMessage>, _ due: DueList<PartitionID>
    ) async throws {
        guard let partition = replication.partition(id), let message = partition.nextMessage(for: name) else { return }
        try await sender.send(message)
        // Others have their turn before the next of this one.
        if partition.chain.withLock({ $0.hasNext }) { due.mark(id) }
    }

    private func take(_ reply: ChainReply, from name: String) {
        state.withLock { $0.answers += 1 }
        guard let partition = replication.partition(reply.partition) else { return }
        partition.chained { member in
            guard member.place?.successor == name else { return }
            switch reply.content {
            case .stands(let standing): member.successorStands(at: standing, epoch: reply.epoch)
            case .acknowledged(let position): member.successorAcknowledged(position, epoch: reply.epoch)
            case .stale(let newest): member.successorIsLater(newest)
            }
        }
    }

    /// Reports a follower that is silent though records wait for it.
    private func watch(_ record: ServerRecord) async throws {
        var lastHeard = runtime.now
        while true {
            let answers = state.withLock { $0.answers }
            let waited = replication.partitions(followedBy: record.name).contains { $0.chain.withLock { $0.isWaiting } }
            try await runtime.sleep(for: replication.configuration.replication.patience)
            guard waited, state.withLock({ $0.answers }) == answers else {
                lastHeard = runtime.now
                continue
            }
            giveUpIfLate(record, since: lastHeard)
            replication.reportLoss(of: record)
        }
    }

    /// Has partitions go on without a follower that has not been heard of for too long.
    private func giveUpIfLate(_ record: ServerRecord, since lastHeard: RuntimeInstant) {
        guard lastHeard.duration(to: runtime.now) >= replication.configuration.replication.followerTimeout else {
            return
        }
        for partition in replication.partitions(followedBy: record.name) {
            partition.chained { $0.giveUpSuccessor() }
        }
    }

    /// After how long a stream is opened anew, so that no deadline is without end.
    private static let streamTime = Duration.seconds(3_600)
    private static let firstWait = Duration.milliseconds(20)
    private static let longestWait = Duration.milliseconds(250)
}

extension Partition {
    /// The next message for the server that follows, once.
    func nextMessage(for successor: String) -> ChainMessage? {
        chained { member in
            guard let place = member.place, place.successor == successor, let message = member.next() else {
                return nil
            }
            let content: ChainMessage.Content
            switch message {
            case .begin(let isJoining): content = .begin(isJoining: isJoining, recordBytes: log?.recordBytes ?? 0)
            case .record(let record): content = .record(record)
            case .piece(let number):
                // It is there before it may leave, and leaves once.
                guard let piece = pieces.withLock({ $0.removeValue(forKey: number) }) else { return nil }
                content = .piece(Segment(copying: piece.readableBytesView), number: UInt64(number))
            }
            return ChainMessage(partition: id, epoch: place.epoch, content: content)
        }
    }
}
