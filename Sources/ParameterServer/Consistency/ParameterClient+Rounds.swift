import Coordination
import MeshTransport
import MeshWire
import Synchronization

/// A worker's part in rounds: it joins when it declares, says when its gradients are at all partitions, and collects
/// what has become of them when the round is closed.
extension ParameterClient {
    /// The round that gradients are for which the last pull's parameters made.
    ///
    /// - Throws: ``ParameterServerError/Code/malformedRequest`` before a pull.
    func openRound() throws(ParameterServerError) -> UInt64 {
        guard let round = state.withLock({ $0.round }) else {
            throw ParameterServerError(
                .malformedRequest, "the tables have rounds: pull before the first push, whose gradients are of a round")
        }
        return round + 1
    }

    /// Takes part in rounds from now on.
    ///
    /// - Throws: ``ParameterServerError``, at the deadline that of the last attempt.
    func join() async throws(ParameterServerError) {
        let deadline = deadline
        var failure: ParameterServerError?
        try await routes.retrying(until: deadline) { _, _ throws(ParameterServerError) in
            failure = nil
            do throws(ParameterServerError) {
                _ = try await arrive(standing: state.withLock { $0.round } ?? 0, hasArrived: false, until: deadline)
            } catch {
                guard error.mayComeAgain else { throw error }
                failure = error
            }
            return failure != nil
        }
        if let failure { throw failure }
    }

    /// Waits until the round of a step is closed whose pushes its partitions hold, and puts into the report what has
    /// become of them.
    func finish(
        _ round: UInt64, _ pushes: [NumberedPush], _ report: inout PushReport, until deadline: RuntimeInstant
    ) async {
        let held = Set(report.failed.filter { $0.error.code == .held }.map(\.push))
        guard !held.isEmpty else { return }
        report.failed.removeAll { $0.error.code == .held }
        let waiting = Awaited()
        var collected = await withTaskGroup(of: PushReport?.self) { group in
            group.addTask { [self] in
                await say(round, waiting, until: deadline)
                return nil
            }
            group.addTask { [self] in
                await collect(pushes.filter { held.contains($0.identity) }, round, until: deadline)
            }
            var collected = PushReport()
            while let part = await group.next() {
                guard let part else { continue }
                collected = part
                group.cancelAll()
            }
            return collected
        }
        let awaited = waiting.text
        for index in collected.failed.indices where collected.failed[index].error.isOfOpenRound {
            let last = collected.failed[index].error
            collected.failed[index].error = ParameterServerError(
                .roundStalled,
                "round \(round) was not closed in time\(awaited.isEmpty ? "" : ": it waits for \(awaited)"); last: \(last.message)",
                peer: last.peer)
        }
        report.add(collected)
    }

    /// Tells the leader that the gradients for a round are at all partitions, until the round is closed or the time is
    /// over.
    private func say(_ round: UInt64, _ waiting: Awaited, until deadline: RuntimeInstant) async {
        var wait = Self.firstWait
        while !Task.isCancelled, runtime.now.advanced(by: wait) < deadline {
            do throws(ParameterServerError) {
                let answer = try await arrive(standing: round - 1, hasArrived: true, until: deadline)
                guard answer.decided < round else { return waiting.set("") }
                waiting.set(answer.awaited)
                wait = Self.firstWait
            } catch {
                // The round was closed, and nobody waits any more.
                if Task.isCancelled { return }
                waiting.set("the round leader: \(error.message)")
                guard error.mayComeAgain else { return }
                try? await runtime.sleep(for: wait)
                wait = min(wait * 2, Self.longestWait)
            }
        }
    }

    private func arrive(
        standing: UInt64, hasArrived: Bool, until deadline: RuntimeInstant
    ) async throws(ParameterServerError) -> RoundState {
        let map = routes.map
        guard let table = map.table(named: ReservedTables.rounds), let entry = table.partitions.first,
            let server = map.server(named: entry.head)
        else {
            throw ParameterServerError(
                .unknownParameter, "nobody leads rounds: table \(ReservedTables.rounds) is not in the map")
        }
        let place = TableSet.Place(
            id: entry.id, name: PartitionName(table: table.name, index: 0), table: 0, elements: 0..<1,
            epoch: entry.epoch)
        let arrival = RoundArrival(
            worker: RoundDecision.Worker(slot: session.slot, session: session.id), standing: standing,
            hasArrived: hasArrived)
        let time = max(.zero, runtime.now.duration(to: deadline))
        let share = TableSet.Share(server: server, places: [place], mapVersion: map.version)
        // In a task of its own, which a new map may cancel.
        let answer = await withTaskGroup(of: Result<RoundState, ParameterServerError>.self) { group in
            group.addTask { [routes] in
                do throws(ParameterServerError) {
                    return .success(
                        try await routes.call(share) { (client) throws(MeshError) in
                            try await client.call(RoundService.arrive, arrival, timeout: time)
                        })
                } catch {
                    return .failure(error)
                }
            }
            return await group.next()
        }
        guard let answer else { preconditionFailure("a task that ends with an answer has none") }
        return try answer.get()
    }

    /// Asks for the answers to pushes that wait for a round. What a partition does not have is sent again.
    private func collect(
        _ pushes: [NumberedPush], _ round: UInt64, until deadline: RuntimeInstant
    ) async -> PushReport {
        var pending = pushes
        var report = PushReport()
        // It throws where the attempt does, which does not.
        try? await routes.retrying(until: deadline) { tables, time throws(ParameterServerError) in
            report.failed.removeAll { $0.error.isOfOpenRound || $0.error.mayComeAgain }
            var attempt = await asking(tables.calls(pending, from: session)) { [routes] in
                await $0.collect(routes, round: round, timeout: time)
            }
            let lost = Set(attempt.failed.filter { $0.error.code == .notHeld }.map(\.push))
            if !lost.isEmpty {
                attempt.failed.removeAll { lost.contains($0.push) }
                attempt.add(await send(pending.filter { lost.contains($0.identity) }, tables, timeout: time))
            }
            report.add(attempt)
            let left = Set(
                report.failed.filter { $0.error.isOfOpenRound || $0.error.mayComeAgain }.map(\.push))
            pending.removeAll { !left.contains($0.identity) }
            return !pending.isEmpty
        }
        return report
    }

    private static let firstWait = Duration.milliseconds(20)
    private static let longestWait = Duration.milliseconds(250)
}

/// For whom a round waits, as its leader has told last. Guarded by a mutex.
private final class Awaited: Sendable {
    private let state = Mutex("")
    var text: String { state.withLock { $0 } }
    func set(_ text: String) { state.withLock { $0 = text } }
}

extension ParameterServerError {
    /// Whether the push waits for its round.
    fileprivate var isOfOpenRound: Bool { code == .held || code == .notHeld || code == .roundStalled }

    /// Whether a question that changes nothing when it is asked twice may be asked again: also where nobody has
    /// answered.
    fileprivate var mayComeAgain: Bool {
        mayBeAnsweredElsewhere || (code == .callFailed && (cause as? MeshError)?.code == .deadlineExceeded)
    }
}
