import Coordination
import Identity
import MeshTransport
import MeshWire
import Synchronization
import Tensor

/// A stream on which another server sends records of partitions in which this one follows it. Guarded by a mutex.
final class ChainStream: Sendable {
    private struct State {
        /// Messages that a chain begins with of which this server has not heard yet, one a partition.
        var parked: [PartitionID: ChainMessage] = [:]
        /// The partitions that the predecessor has begun with, and the epochs.
        var begun: [PartitionID: UInt64] = [:]
        /// What is answered for partitions that are not here, or not in that epoch, one a partition.
        var answers: [PartitionID: ChainReply] = [:]
        /// Snapshots that are being received, and their next pieces.
        var copies: [PartitionID: (epoch: UInt64, copy: RecoveringPartition, next: UInt64)] = [:]
    }

    let id: UInt64
    /// Partitions with something to answer.
    let due = DueList<PartitionID>()
    private let peer: SPIFFEID?
    private let replication: Replication
    private let state = Mutex(State())

    init(_ id: UInt64, from peer: SPIFFEID?, _ replication: Replication) {
        self.id = id
        self.peer = peer
        self.replication = replication
    }

    /// Has something answered beside what partitions have to say.
    func answer(_ reply: ChainReply) {
        state.withLock { $0.answers[reply.partition] = reply }
        due.mark(reply.partition)
    }

    /// Takes messages and answers them, until the stream ends.
    func run(
        _ messages: RequestStream<ChainMessage>, _ replies: ResponseSender<ChainReply>
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                while let partition = await self.due.next() { try await self.reply(about: partition, replies) }
                guard !Task.isCancelled else { return }
                throw CallFailure(.aborted, "the records of a partition have a gap")
            }
            for try await message in messages {
                if let work = try take(message) {
                    group.addTask(executorPreference: replication.runtime.computeExecutor) { await work() }
                }
            }
            group.cancelAll()
        }
    }

    private func reply(about id: PartitionID, _ replies: ResponseSender<ChainReply>) async throws {
        if let answer = state.withLock({ $0.answers.removeValue(forKey: id) }) { try await replies.send(answer) }
        guard let partition = replication.partition(id) else { return }
        while let (epoch, content) = partition.chained({ $0.reply(on: self.id) }) {
            try await replies.send(ChainReply(partition: id, epoch: epoch, content: content))
        }
    }

    /// Takes a message; returns what it takes time to do.
    private func take(_ message: ChainMessage) throws(CallFailure) -> (@Sendable () async -> Void)? {
        switch message.content {
        case .begin:
            try begin(message)
            return nil
        case .record(let record):
            return execute(record, message)
        case .piece(let piece, let number):
            return try take(piece, number: number, message)
        }
    }

    // MARK: Beginning

    private func begin(_ message: ChainMessage) throws(CallFailure) {
        guard case .begin(let isJoining, let recordBytes) = message.content else { return }
        let id = message.partition
        state.withLock { state in
            state.parked[id] = nil
            state.copies[id] = nil
            state.begun[id] = nil
        }
        let entry = replication.hosted?.state.withLock { $0.map?.partition(id) }
        guard let entry, let hosted = replication.hosted, entry.epoch >= message.epoch else { return park(message) }
        guard entry.epoch == message.epoch else { return refuse(message, newest: entry.epoch) }
        guard let place = ChainPlace(of: replication.server, in: entry), let predecessor = place.predecessor,
            (place.role == .joining) == isJoining
        else { return park(message) }
        guard hosted.state.withLock({ $0.map?.server(named: predecessor)?.identity }) == peer else {
            throw CallFailure(
                .permissionDenied,
                "\(peer?.description ?? "nobody") is not server \(predecessor), which comes before this one in the chain of partition \(id)"
            )
        }
        // Before anything is sent that would be of no use.
        guard !isJoining || hosted.canFollow(id, after: predecessor, recordBytes: recordBytes) else {
            return replication.refuseToFollow(id)
        }
        state.withLock { $0.begun[id] = message.epoch }
        guard let partition = hosted.known(id) else {
            guard isJoining else { return park(message) }
            return answer(ChainReply(partition: id, epoch: message.epoch, content: .stands(nil)))
        }
        switch partition.chained({ $0.predecessorBegins(on: self.id, epoch: message.epoch, isJoining: isJoining) }) {
        case .early: park(message)
        case .stale(let newest): refuse(message, newest: newest)
        case .taken, .ignored, .gap: break
        }
    }

    private func park(_ message: ChainMessage) { state.withLock { $0.parked[message.partition] = message } }

    private func refuse(_ message: ChainMessage, newest: UInt64) {
        replication.hosted?.meter.countRefusal(.staleEpoch)
        answer(ChainReply(partition: message.partition, epoch: message.epoch, content: .stale(newest)))
    }

    /// Takes up what this server may have heard of now.
    func retryParked() {
        let parked = state.withLock { state in
            defer { state.parked = [:] }
            return state.parked.sorted { $0.key < $1.key }.map(\.value)
        }
        for message in parked {
            // Whom this refuses had no place in the chain, and is told by the map.
            do { try begin(message) } catch { due.close() }
        }
    }

    // MARK: Records

    private func execute(_ record: PartitionRecord, _ message: ChainMessage) -> (@Sendable () async -> Void)? {
        guard let partition = replication.partition(message.partition) else {
            let entry = replication.hosted?.state.withLock { $0.map?.partition(message.partition) }
            if let entry, entry.epoch > message.epoch { refuse(message, newest: entry.epoch) }
            return nil
        }
        guard partition.arrived(ArrivalQueue.Arrival(record: record, stream: id, epoch: message.epoch)) else {
            return nil
        }
        // No push comes to a server that only follows.
        if partition.log?.isHalfFull == true { replication.hosted?.compactLogIfNeeded() }
        let isSmall = partition.computedBytes(of: record) <= replication.configuration.bytesAppliedOnLoop
        if isSmall, partition.executeArrivedIfFree() { return nil }
        let runtime = replication.runtime
        return { await partition.executeArrived(on: runtime) }
    }

    // MARK: A snapshot

    private func take(
        _ piece: Segment, number: UInt64, _ message: ChainMessage
    ) throws(CallFailure) -> (@Sendable () async -> Void)? {
        let id = message.partition
        guard let hosted = replication.hosted, let map = hosted.state.withLock({ $0.map }),
            let table = map.table(of: id), let index = table.partitions.firstIndex(where: { $0.id == id })
        else { return nil }
        let entry = table.partitions[index]
        guard entry.epoch == message.epoch, entry.joining == replication.server,
            state.withLock({ $0.begun[id] }) == message.epoch
        else { return nil }
        if number == 0 {
            // What it has is too old to go on from.
            if let partition = hosted.known(id) { hosted.discard(partition) }
            let origin = PartitionOrigin(
                partition: id, declaration: table.declaration, index: index, epoch: entry.intactSince,
                intactSince: entry.intactSince, fence: SessionFence())
            let copy = RecoveringPartition(
                origin, limits: hosted.configuration.ledger, functions: hosted.functions)
            state.withLock { $0.copies[id] = (message.epoch, copy, 0) }
        }
        let whole: RecoveringPartition?
        do throws(WireError) {
            whole = try add(piece, number: number, message)
        } catch {
            throw CallFailure(.invalidArgument, "partition \(id): \(error.message)")
        }
        guard let whole else { return nil }
        let (stream, epoch) = (self.id, message.epoch)
        return {
            var whole = whole
            do throws(ParameterServerError) {
                try await hosted.host(try whole.finish(), from: stream, epoch: epoch)
            } catch {
                await hosted.abandon(id, epoch: epoch, error)
            }
        }
    }

    /// Adds a piece to the copy that it is of; returns the copy when it is whole.
    private func add(
        _ piece: Segment, number: UInt64, _ message: ChainMessage
    ) throws(WireError) -> RecoveringPartition? {
        // Taken out of the dictionary, so that its bytes are not copied.
        guard var current = state.withLock({ $0.copies.removeValue(forKey: message.partition) }),
            current.epoch == message.epoch, current.next == number
        else { return nil }
        try current.copy.add(piece.sharedBuffer(0..<piece.count))
        current.next += 1
        guard !current.copy.isWhole else { return current.copy }
        state.withLock { $0.copies[message.partition] = current }
        return nil
    }
}

extension Replication {
    /// Answers a predecessor's stream.
    func serve(
        _ messages: RequestStream<ChainMessage>, _ replies: ResponseSender<ChainReply>, _ call: CallContext
    ) async throws {
        let stream = openStream { ChainStream($0, from: call.peer, self) }
        defer { closeStream(stream) }
        try await stream.run(messages, replies)
    }
}
