import Coordination
import Logging
import MeshTransport
import MeshWire
import NIOCore
import Synchronization
import Telemetry

/// What a chain needs of the coordinator, and snapshots for servers that join.
extension Replication {
    /// Gives a partition's chain what it needs, until it needs nothing more.
    func fulfil(_ id: PartitionID) async {
        var wait = Duration.milliseconds(20)
        while !Task.isCancelled, let partition = partition(id) {
            let (wish, place) = partition.chain.withLock { ($0.wish, $0.place) }
            guard let wish, let place else { return }
            if case .snapshot = wish {
                await seed(partition)
                continue
            }
            if await fulfil(wish, of: partition, in: place) { continue }
            guard (try? await runtime.sleep(for: wait)) != nil else { return }
            wait = min(wait * 2, .milliseconds(250))
        }
    }

    /// - Returns: whether the map has changed since, so that what is needed may be another thing.
    private func fulfil(_ wish: ChainMember.Wish, of partition: Partition, in place: ChainPlace) async -> Bool {
        switch wish {
        case .map, .snapshot: break
        case .drop(let successor): await change(partition, place, .drop(successor))
        case .leave where place.role == .head:
            // Its followers have the record. They go on when the coordinator does not hear from this server any more.
            logger.error(
                "a record could not be executed by the head; this server makes way for its followers",
                metadata: ["server": "\(server)", "partition": "\(partition.name)"])
            makeWay()
        case .leave:
            await change(partition, place, place.role == .joining ? .abandon(server) : .drop(server))
        case .join(let successor):
            let life = hosted?.state.withLock { $0.map?.server(named: successor)?.life }
            if let life, await change(partition, place, .join(successor, life: life)) {
                meter.seedingsJoined.increment()
            }
        }
        await hosted?.refreshInTurn()
        return partition.chain.withLock { $0.place } != place
    }

    @discardableResult
    private func change(_ partition: Partition, _ place: ChainPlace, _ change: ChainChange) async -> Bool {
        do throws(CoordinationError) {
            _ = try await coordination.changeChain(of: partition.id, ifEpoch: place.epoch, change, server: server)
            logger.info(
                "chain changed",
                metadata: ["server": "\(server)", "partition": "\(partition.name)", "change": "\(change)"])
            return true
        } catch {
            logger.warning(
                "chain not changed",
                metadata: [
                    "server": "\(server)", "partition": "\(partition.name)", "change": "\(change)", "error": "\(error)",
                ])
            return false
        }
    }

    /// Sends a snapshot to the server that joins, as fast as may be. Where its rows are let go of meanwhile, another is
    /// wished for.
    private func seed(_ partition: Partition) async {
        let snapshot = await partition.snapshot().1
        guard let pinned = try? snapshot.pinned() else { return }
        let pieces = SnapshotPieces(of: pinned, bytes: Self.pieceBytes)
        defer { partition.pieces.withLock { $0 = [:] } }
        guard partition.chained({ $0.beginSnapshot(at: snapshot.position, pieces: pieces.count) }) else { return }
        meter.seedingsBegun.increment()
        for (number, piece) in pieces.enumerated() {
            let place = pace.place(for: piece.readableBytes, now: runtime.now)
            guard (try? await runtime.sleep(until: place)) != nil else { return }
            guard !snapshot.isRevoked else {
                logger.warning(
                    "too many rows change while a server joins: it is sent a newer snapshot",
                    metadata: [
                        "server": "\(server)", "partition": "\(partition.name)",
                        "raise": "rowSnapshots.bytes or replication.seedingBytesPerSecond",
                    ])
                partition.chained { $0.loseSnapshot() }
                return
            }
            partition.pieces.withLock { $0[number] = piece }
            guard partition.chained({ $0.releasePiece() }) else { return }
            meter.seedingBytes.increment(by: UInt64(piece.readableBytes))
            guard await sent(partition, butFor: Self.waitingPieces) else { return }
        }
        // The rest is given up when the last has left, or is not wanted any more.
        _ = await sent(partition, butFor: 0)
    }

    /// Waits until no more than so many pieces are yet to be sent; false if they are not wanted any more.
    private func sent(_ partition: Partition, butFor count: Int) async -> Bool {
        while partition.pieces.withLock({ $0.count }) > count {
            guard !Task.isCancelled, partition.chain.withLock({ $0.isSeeding }),
                (try? await runtime.sleep(for: .milliseconds(5))) != nil
            else { return false }
        }
        return true
    }

    /// The most pieces that wait for a slow stream.
    private static let waitingPieces = 4

    /// The bytes of a piece: few enough that records of other partitions do not wait for long behind it.
    private static let pieceBytes = 256 << 10
}
