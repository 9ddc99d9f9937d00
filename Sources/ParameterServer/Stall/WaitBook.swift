import Coordination
import Identity
import MeshWire
import Synchronization

/// The waits of a process that have begun and not ended.
///
/// As many as there are tasks that wait, which the limits of queues bound. Safe to use from any task: guarded by a
/// mutex that is held for a few instructions.
final class WaitBook: Sendable {
    /// What a wait is about. Put into words when somebody asks.
    struct Subject: Sendable {
        enum Waiter: Sendable {
            case push(UInt64), pull, snapshot, question, retry, arrival
            case call(partitions: Int)
        }

        enum Blocker: Sendable {
            case turns, followers(String?), log, coordinator, otherMap, workers
            case version(PartitionVersion)
            case server(String)
        }

        var reason: StallReport.Reason
        var waiter: Waiter
        var blocker: Blocker
        var partition: PartitionName?
        var peer: SPIFFEID?
        var session: SessionID?
        var slot: Int?

        /// A wait that has taken so long.
        func wait(_ duration: Duration) -> StallReport.Wait {
            StallReport.Wait(
                reason: reason, waiter: waiter.text, blocker: blocker.text, partition: partition,
                peer: peer?.description, session: session, slot: slot, duration: duration)
        }
    }

    private struct Entry {
        var subject: Subject
        var since: RuntimeInstant
        var isTold = false
    }

    private struct State {
        /// By number, in the order in which they began.
        var entries: [UInt64: Entry] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Runs `body` as a wait.
    func during<Result, Failure: Error>(
        _ subject: Subject, on runtime: any Runtime, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let number = state.withLock { state in
            defer { state.next += 1 }
            state.entries[state.next] = Entry(subject: subject, since: runtime.now)
            return state.next
        }
        defer { state.withLock { _ = $0.entries.removeValue(forKey: number) } }
        return try await body()
    }

    /// All waits.
    func waits(_ now: RuntimeInstant) -> [StallReport.Wait] {
        let entries = state.withLock { $0.entries }
        return entries.sorted { $0.key < $1.key }.map { $0.value.subject.wait($0.value.since.duration(to: now)) }
    }

    /// Those that have taken `threshold` or longer, each once.
    func takeLong(_ now: RuntimeInstant, threshold: Duration) -> [StallReport.Wait] {
        state.withLock { state in
            var long: [StallReport.Wait] = []
            for number in state.entries.keys.sorted() {
                guard let entry = state.entries[number], !entry.isTold, entry.since.duration(to: now) >= threshold
                else {
                    continue
                }
                state.entries[number]?.isTold = true
                long.append(entry.subject.wait(entry.since.duration(to: now)))
            }
            return long
        }
    }
}

extension WaitBook.Subject.Waiter {
    fileprivate var text: String {
        switch self {
        case .push(let sequence): "push \(sequence)"
        case .pull: "a pull"
        case .snapshot: "a snapshot"
        case .question: "a question"
        case .retry: "what was not answered"
        case .arrival: "a worker that has arrived"
        case .call(let partitions): "a call about \(partitions) \(partitions == 1 ? "partition" : "partitions")"
        }
    }
}

extension WaitBook.Subject.Blocker {
    fileprivate var text: String {
        switch self {
        case .turns: "those before it"
        case .followers(let name): name.map { "follower \($0), or those after it" } ?? "its followers"
        case .log: "this server's disk"
        case .coordinator: "the coordinator"
        case .otherMap: "the coordinator, to name another head"
        case .workers: "workers that are not so far"
        case .version(let version): "pushes up to version \(version)"
        case .server(let name): "server \(name)"
        }
    }
}
