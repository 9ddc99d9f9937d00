import Coordination
import Identity
import MeshTransport
import MeshWire
import Synchronization

extension Consistency {
    /// How far a worker may be ahead of the slowest one; `nil` where nobody looks at that.
    var stalenessLimit: Int? {
        if case .boundedStaleness(let steps) = self { steps } else { nil }
    }
}

extension ParameterClient {
    /// Trains with bounded staleness from now on: a pull waits until no other worker that does so is more than `steps`
    /// steps behind this one. Declaring tables with ``Consistency/boundedStaleness(steps:)`` begins it too. May be
    /// called again with another limit while training goes on.
    ///
    /// ```swift
    /// try await client.limitStaleness(to: 3)
    /// while … {
    ///     let parameters = try await client.pull()  // has all steps of others but their last 3, compared with own ones
    ///     try await client.push(gradients)          // a step, and a tick
    /// }
    /// ```
    /// Every push is a tick of this worker's clock from then on, and a step without a gradient is a ``tick()``. The
    /// first call joins the other workers where the slowest of them is, or where the slot's last session was. Whoever
    /// closes its session, loses its lease or is replaced in its slot is waited for no more.
    /// - Parameter steps: 0 or more; with 0 nobody begins a step before all have finished the last.
    /// - Throws: ``ParameterServerError`` as ``tick()`` does, and `invalidConfiguration` for a negative number.
    public func limitStaleness(to steps: Int) async throws(ParameterServerError) {
        guard let limit = UInt64(exactly: steps) else {
            throw ParameterServerError(
                .invalidConfiguration, "staleness is limited to 0 steps or more, not to \(steps)")
        }
        let isTicking = state.withLock { $0.clock.limit != nil }
        let clocks = isTicking ? [] : try await tell(0, to: partitions(of: try routes.tables()), until: deadline)
        state.withLock { $0.clock.join(at: clocks.max() ?? 0, limit: limit) }
    }

    /// The steps of bounded staleness that this worker has begun, pushes and ticks; 0 before ``limitStaleness(to:)``.
    public var clock: UInt64 { state.withLock { $0.clock.clock } }

    /// Takes a step of bounded staleness without a gradient, so that the others need not wait for this worker.
    ///
    /// - Throws: ``ParameterServerError`` with `invalidConfiguration` before ``limitStaleness(to:)``; with
    ///   `sessionFenced`, `sessionExpired`, `notAllowed`, `peerLost` or what a server answers, and some partitions may
    ///   then lack the tick until the next one or the next push.
    public func tick() async throws(ParameterServerError) {
        let clock = state.withLock { $0.clock.next() }
        guard clock > 0 else {
            throw ParameterServerError(
                .invalidConfiguration, "a tick is a step of bounded staleness: call limitStaleness(to:) before")
        }
        defer { state.withLock { $0.clock.finish(clock) } }
        _ = try await tell(clock, to: partitions(of: try routes.tables()), until: deadline)
    }

    /// Says again how far this worker is, while it waits for others: partitions may have gone back to when it was less
    /// far, or were not told, and the others may wait for it there.
    func tellAgain() async {
        let finished = state.withLock { $0.clock.finished }
        guard finished > 0, let tables = try? routes.tables() else { return }
        let soon = coordination.mesh.runtime.now.advanced(by: .seconds(1))
        _ = try? await tell(finished, to: partitions(of: tables), until: min(soon, deadline))
    }

    /// Tells the partitions that a step has no gradient for of its clock.
    ///
    /// - Returns: why some were not told.
    func tellOthers(_ clock: UInt64, but pushed: [PushIdentity], until deadline: RuntimeInstant) async
        -> ParameterServerError?
    {
        do throws(ParameterServerError) {
            let others = partitions(of: try routes.tables()).subtracting(pushed.lazy.map(\.partition))
            if !others.isEmpty { _ = try await tell(clock, to: others, until: deadline) }
            return nil
        } catch {
            return error
        }
    }

    private func partitions(of tables: TableSet) -> Set<PartitionID> {
        Set(tables.shares.lazy.flatMap(\.places).map(\.id))
    }

    /// Tells partitions how far this worker is, all servers at once, and again what nobody answered.
    ///
    /// - Returns: the clocks that the slot has there.
    private func tell(
        _ clock: UInt64, to partitions: Set<PartitionID>, until deadline: RuntimeInstant
    ) async throws(ParameterServerError) -> [UInt64] {
        var missing = partitions
        var clocks: [UInt64] = []
        var failure: ParameterServerError?
        try await routes.retrying(until: deadline) { tables, time throws(ParameterServerError) in
            failure = nil
            let shares = tables.shares(of: missing) { _ in 0 }
            for (share, answer) in zip(shares, await tell(clock, shares, timeout: time)) {
                do throws(ParameterServerError) {
                    clocks += try answer.get()
                    missing.subtract(share.places.lazy.map(\.id))
                } catch {
                    guard error.mayBeAnsweredElsewhere else { throw error }
                    failure = failure ?? error
                }
            }
            return failure != nil
        }
        if let failure { throw failure }
        return clocks
    }

    private func tell(
        _ clock: UInt64, _ shares: [TableSet.Share], timeout: Duration
    ) async -> [Result<[UInt64], ParameterServerError>] {
        await shares.mapAllAtOnce { [self] in await tell(clock, $0, timeout: timeout) }
    }

    private func tell(
        _ clock: UInt64, _ share: TableSet.Share, timeout: Duration
    ) async -> Result<[UInt64], ParameterServerError> {
        let request = TickRequest(
            session: session.id, tick: ClockTick(slot: session.slot, clock: clock),
            partitions: share.places.map(\.id))
        do throws(ParameterServerError) {
            let response = try await routes.call(share) { (client) throws(MeshError) in
                try await client.call(ParameterService.tick, request, timeout: timeout)
            }
            guard response.clocks.count == share.places.count else {
                throw ParameterServerError(
                    .callFailed, "\(share.places.count) partitions were told, \(response.clocks.count) answered",
                    peer: share.server.identity.description)
            }
            return .success(response.clocks)
        } catch {
            return .failure(error)
        }
    }
}
