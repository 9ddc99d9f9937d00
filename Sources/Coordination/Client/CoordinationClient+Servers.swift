import Identity
package import MeshTransport
import MeshWire

extension CoordinationClient {
    /// Makes this process known as the server `name`, which can be called at `address`.
    ///
    /// - Parameters:
    ///   - life: random bits that the server drew when it started.
    ///   - functions: those that its host has registered with it, as the map has them.
    ///   - recovered: the partitions that it has kept from its life before, in the epochs in which it goes on.
    ///   - mapVersion: the version of the map that these were looked up in; default 0, where nothing was kept.
    /// - Returns: the fence to begin with.
    /// - Throws: ``CoordinationError`` with `notOwner`, `limitReached`, `callFailed` or `mapChanged`.
    package func registerServer(
        named name: String, at address: ListenerAddress, life: UInt64, functions: [String] = [],
        recovered: [RecoveredPartition] = [], mapVersion: UInt64 = 0
    ) async throws(CoordinationError) -> SessionFence {
        let record = ServerRecord(
            name: name, host: address.host, port: address.port, identity: mesh.identity.current.svid.spiffeID,
            life: life, functions: functions)
        return try await call(
            CoordinationService.registerServer,
            ServerRegistration(server: record, recovered: recovered, mapVersion: mapVersion))
    }

    /// Gives a server's sign of life.
    ///
    /// - Parameter timeout: how long to wait for the answer.
    /// - Throws: ``CoordinationError`` with `serverLost` or `serverUnknown` if it has to register again,
    ///   `serverSuperseded` if this life of it has to end, `notOwner` or `callFailed`.
    package func renewServer(
        named name: String, life: UInt64, timeout: Duration
    ) async throws(CoordinationError) -> RenewedServer {
        try await call(CoordinationService.renewServer, ServerLife(name: name, life: life), timeout: timeout)
    }

    /// Says that this life of a server leaves: followers go on with what it heads, others follow in its place, and
    /// nothing is placed on it until it registers again. May be repeated when the answer was lost.
    ///
    /// - Parameter timeout: how long to wait for the answer.
    /// - Throws: ``CoordinationError`` with `serverUnknown`, `notOwner`, `storeUnavailable` or `callFailed`.
    package func leaveServer(
        named name: String, life: UInt64, timeout: Duration
    ) async throws(CoordinationError) {
        _ = try await call(CoordinationService.leaveServer, ServerLife(name: name, life: life), timeout: timeout)
    }

    /// Changes the chain of a partition, if it is in the epoch that `server`, one of the chain, knows. May be repeated
    /// when the answer was lost.
    ///
    /// - Returns: the partition's entry then.
    /// - Throws: ``CoordinationError`` with `chainChanged` if another change was before this, whose
    ///   ``CoordinationError/partition`` is the entry now; `partitionUnknown`, `serverUnknown`, `notOwner`,
    ///   `storeUnavailable` or `callFailed`.
    package func changeChain(
        of partition: PartitionID, ifEpoch epoch: UInt64, _ change: ChainChange, server: String
    ) async throws(CoordinationError) -> PartitionMap.Partition {
        let request = ChainRequest(partition: partition, epoch: epoch, change: change, server: server)
        return try await call(CoordinationService.changeChain, request).entry(of: request)
    }

    /// Begins an epoch of a partition, for a head that is about to go back to a checkpoint.
    ///
    /// - Throws: ``CoordinationError`` with `notOwner` if this life of the server does not head the partition, or
    ///   `callFailed`.
    package func rollBack(
        _ partition: PartitionID, headedBy server: String, life: UInt64
    ) async throws(CoordinationError) -> UInt64 {
        let request = RollBackRequest(partition: partition, server: server, life: life)
        return try await call(CoordinationService.rollBack, request).epoch
    }

    /// Says that a server does not answer. The coordinator asks it and has it lost if it is; the map tells. Returns
    /// when the server has been asked, or at once if somebody else reported it.
    ///
    /// - Parameter life: which life of the server does not answer.
    /// - Throws: ``CoordinationError`` with `callFailed`.
    package func reportLoss(of server: String, life: UInt64) async throws(CoordinationError) {
        _ = try await call(
            CoordinationService.reportLoss, ServerLife(name: server, life: life), timeout: Self.reportTimeout)
    }

    /// Longer than a coordinator asks a server twice and keeps what it found.
    private static let reportTimeout = Duration.seconds(5)
}

extension ChainAnswer {
    /// The entry that the change has made.
    func entry(of request: ChainRequest) throws(CoordinationError) -> PartitionMap.Partition {
        guard isMade else {
            var error = CoordinationError(
                .chainChanged,
                "partition \(request.partition) is in epoch \(entry.epoch), headed by \(entry.head), not in epoch \(request.epoch) as server \(request.server) knows it, or without what it would change"
            )
            error.partition = entry
            throw error
        }
        return entry
    }
}
