import Coordination
import Identity
import MeshTransport
import MeshWire
import Synchronization
import Tensor

extension ParameterClient {
    /// Runs a function of the servers' host on every partition of a table, or on rows of a row table.
    ///
    /// ```swift
    /// let report = try await client.call(clip, 0.5, on: "weight")
    /// print(report.combined ?? 0, report.pushes.failed)
    /// ```
    /// A call of an updating function is sent again under its number until it is answered, as a push is, and runs once:
    /// its copies get the answer that was kept. It is a push to everybody who counts those: to ``PushObserver``, to
    /// accounts and to ``PushAudit``, and to the staleness of others; its own is that of the last pull. It is no step of
    /// the update rule, and with bounded staleness none of the worker's.
    /// - Parameters:
    ///   - argument: travels as CBOR, see ``/MeshWire/CodableMessage``.
    ///   - keys: the rows of a row table, of which those that exist take part; `nil` for a dense one.
    ///   - isolation: which state a reading function may be shown. Default the newest.
    /// - Throws: before anything leaves, ``ParameterServerError`` with `unknownParameter` for a table that is not declared,
    ///   `shapeMismatch` for rows of a dense table and for a row table without, `rowOutOfRange`, and `malformedRequest` for
    ///   an argument that cannot be encoded and for an updating function where steps are taken in rounds; what the
    ///   observer throws. For a reading function what ``pull(atLeast:isolation:)`` throws, `functionFailed`,
    ///   `unknownFunction`, `answerTooLarge` and `notAllowed`; an updating one has them in ``FunctionReport/pushes``.
    ///   `callFailed` for an answer that is not of the function's type.
    public func call<Argument, Answer>(
        _ function: ServerFunction<Argument, Answer>, _ argument: Argument, on table: String,
        rows keys: [UInt64]? = nil, isolation: ReadIsolation = .uncommitted
    ) async throws -> FunctionReport<Answer> {
        let deadline = deadline
        let tables = try routes.tables()
        let target = try FunctionTarget(table, keys, in: tables)
        let bytes: Segment
        do throws(WireError) {
            bytes = Segment(copying: try CodableMessage(argument).encoded())
        } catch {
            throw ParameterServerError(
                .malformedRequest, "the argument of function \(function.registered.id) cannot be encoded: \(error)")
        }
        var report = FunctionReport<Answer>()
        if function.isUpdating {
            guard !target.declaration.consistency.hasRounds else {
                throw ParameterServerError(
                    .malformedRequest,
                    "table \(table) takes its steps in rounds, between which there is no place for a function")
            }
            let pushes = try await update(function.registered.id, bytes, target, until: deadline)
            for entry in pushes.acknowledged {
                report.answers.append(
                    FunctionReport.PartitionAnswer(
                        partition: entry.push.name,
                        value: try decoded(pushes.answers[entry.push.partition], of: entry.push.name),
                        version: entry.version, durability: entry.durability, isReplay: entry.isReplay))
            }
            report.pushes = pushes
        } else {
            let found = try await query(function.registered.id, bytes, target, isolation, until: deadline)
            for place in target.places {
                guard let (version, answer) = found[place.id] else { continue }
                report.answers.append(
                    FunctionReport.PartitionAnswer(
                        partition: place.name, value: try decoded(answer, of: place.name), version: version,
                        durability: nil, isReplay: false))
            }
        }
        report.answers.sort { $0.partition.index < $1.partition.index }
        guard let first = report.answers.first, report.answers.count == target.places.count else { return report }
        if report.answers.count == 1 {
            report.combined = first.value
        } else if let combine = function.combine {
            report.combined = report.answers.dropFirst().reduce(first.value) { combine($0, $1.value) }
        }
        return report
    }

    private func decoded<Answer: Codable & Sendable>(
        _ bytes: [UInt8]?, of partition: PartitionName
    ) throws(ParameterServerError) -> Answer {
        do throws(WireError) {
            return try CodableMessage(encoded: bytes ?? []).value
        } catch {
            throw ParameterServerError(
                .callFailed,
                "the function has run on partition \(partition), and its answer is no \(Answer.self): \(error)",
                cause: error)
        }
    }

    private func update(
        _ function: FunctionID, _ argument: Segment, _ target: FunctionTarget, until deadline: RuntimeInstant
    ) async throws -> PushReport {
        let calls = state.withLock { state in
            target.places.map { place in
                NumberedPush(
                    place, of: session.id, state.numbers.next(for: place.id),
                    basis: state.basis[place.id] ?? PartitionVersion(epoch: place.epoch, applied: 0),
                    GradientShare(gradient: argument, keys: target.keys[place.id].map { Segment($0) }))
            }
        }
        let identities = calls.map(\.identity)
        defer { settle(identities) }
        try await observer.beforeFirstAttempt(identities)
        var report = try await attempting(calls, until: deadline) { calls, tables, time in
            await asking(tables.calls(calls, from: session)) { [routes] in
                await $0.send(calling: function, argument, routes, timeout: time)
            }
        }
        remember(&report)
        hotRows?.changed(report)
        await observer.afterAcknowledgement(report.acknowledged.map(\.push))
        return report
    }

    private func query(
        _ function: FunctionID, _ argument: Segment, _ target: FunctionTarget, _ isolation: ReadIsolation,
        until deadline: RuntimeInstant
    ) async throws(ParameterServerError) -> [PartitionID: (version: PartitionVersion, answer: [UInt8])] {
        let seen = seenVersions
        var found: [PartitionID: (version: PartitionVersion, answer: [UInt8])] = [:]
        var missing = Set(target.places.map(\.id))
        var failure: ParameterServerError?
        try await routes.retrying(until: deadline) { tables, time throws(ParameterServerError) in
            failure = nil
            let shares = tables.shares(of: missing)
            let requests = shares.map { share in
                let entries = share.places.map {
                    QueryRequest.Entry(
                        partition: $0.id, minimum: seen[$0.id] ?? PartitionVersion(epoch: 0, applied: 0),
                        isCommitted: isolation == .committed)
                }
                let keys = share.places.compactMap { target.keys[$0.id].map { Segment($0) } }
                return (
                    share, QueryRequest(function: function, entries: entries, argument: argument, keys: keys)
                )
            }
            let answers = await requests.mapAllAtOnce {
                [routes] share, request -> Result<QueryResponse, ParameterServerError> in
                do throws(ParameterServerError) {
                    return .success(
                        try await routes.call(share) { (client) throws(MeshError) in
                            try await client.call(ParameterService.query, request, timeout: time)
                        })
                } catch {
                    return .failure(error)
                }
            }
            for (share, answer) in zip(shares, answers) {
                do throws(ParameterServerError) {
                    let response = try answer.get()
                    guard response.versions.count == share.places.count else {
                        throw ParameterServerError(
                            .callFailed,
                            "\(share.places.count) partitions were asked about, \(response.versions.count) answered",
                            peer: share.server.identity.description)
                    }
                    for (index, place) in share.places.enumerated() {
                        found[place.id] = (response.versions[index], response.answers[index].copiedBytes)
                        missing.remove(place.id)
                    }
                } catch {
                    guard error.mayBeAnsweredElsewhere else { throw error }
                    failure = failure ?? error
                }
            }
            return failure != nil
        }
        if let failure { throw failure }
        state.withLock { $0.seen.merge(found.mapValues(\.version)) { max($0, $1) } }
        return found
    }
}

/// The partitions that a function is called on, with the rows of each.
private struct FunctionTarget {
    let declaration: TableDeclaration
    /// In no order.
    let places: [TableSet.Place]
    /// Of a row table, ascending and each once.
    let keys: [PartitionID: AnyTensor]

    /// - Throws: ``ParameterServerError`` with `unknownParameter`, `shapeMismatch` and `rowOutOfRange`.
    init(_ table: String, _ keys: [UInt64]?, in tables: TableSet) throws(ParameterServerError) {
        guard let index = tables.tables.firstIndex(where: { $0.name == table }) else {
            throw ParameterServerError(.unknownParameter, "table \(table) is not declared")
        }
        declaration = tables.tables[index]
        let places = tables.shares.flatMap(\.places).filter { $0.table == index }
        guard let keys else {
            guard declaration.rows == nil else {
                throw ParameterServerError(
                    .shapeMismatch, "table \(table) is of rows: name those that the function is to run on")
            }
            (self.places, self.keys) = (places, [:])
            return
        }
        let rows = try RowRequest([table: Set(keys).sorted()], in: tables).partitions
        self.keys = rows
        self.places = places.filter { rows[$0.id] != nil }
    }
}

extension PushCall {
    /// Calls a function in place of pushing gradients, with the same numbers.
    func send(
        calling function: FunctionID, _ argument: Segment, _ routes: TableRoutes, timeout: Duration
    ) async -> PushReport {
        let call = CallRequest(
            slot: request.slot, function: function, entries: request.entries, argument: argument, keys: request.keys)
        do throws(ParameterServerError) {
            let response = try await routes.call(share) { (client) throws(MeshError) in
                try await client.call(
                    ParameterService.call, call, timeout: timeout, deduplication: deduplication)
            }
            return report(PushResponse(response.answered))
        } catch {
            return report(error)
        }
    }
}
