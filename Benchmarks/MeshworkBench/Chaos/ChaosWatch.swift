import Coordination
import MeshWire
import ParameterServer
import Synchronization

/// What the launcher knows of pushes, told by the workers that make them, and how long it took until they were answered
/// again after something had happened. Guarded by a mutex.
final class ChaosWatch: Sendable {
    /// Whose pushes show that it has recovered.
    enum Subject: Sendable, Hashable {
        case server(Int)
        case slot(Int)
        case anybody
    }

    private struct Key: Hashable {
        var session: SessionID
        var partition: UInt64
        var sequence: UInt64
    }

    private struct Recovery {
        var kind: String
        var subject: Subject
        var start: ContinuousClock.Instant
        /// Of a server: the partitions that it headed, of which no push has been answered yet.
        var partitions: Set<UInt64> = []
    }

    private struct State {
        var sent = PushNotes()
        var acknowledged = PushNotes()
        /// When the pushes that nobody has answered left.
        var departures: [Key: ContinuousClock.Instant] = [:]
        var latest: ContinuousClock.Instant?
        var longestGap = Duration.zero
        /// The same for each partition.
        var latestOf: [UInt64: ContinuousClock.Instant] = [:]
        var gaps: [UInt64: Duration] = [:]
        var disturbances: [String: Int] = [:]
        var waiting: [Recovery] = []
        var recoveries: [String: [Duration]] = [:]
        var failures: [String: Int] = [:]
        var violations: [String] = []
        /// The server that heads each partition.
        var heads: [UInt64: Int] = [:]
    }

    private let state = Mutex(State())

    /// The notes of all pushes.
    var notes: (sent: PushNotes, acknowledged: PushNotes) { state.withLock { ($0.sent, $0.acknowledged) } }
    /// The longest time in which no worker had an answer.
    var longestGap: Duration { state.withLock { $0.longestGap } }
    /// The longest time in which no push to a partition was answered.
    var gaps: [UInt64: Duration] { state.withLock { $0.gaps } }
    /// How long it took until a push was answered that left after a disturbance was over, or had begun where followers
    /// take over, by kind; of a server, a push to each of its partitions.
    var recoveries: [String: [Duration]] { state.withLock { $0.recoveries } }
    /// What recovered never.
    var unrecovered: [String] { state.withLock { $0.waiting.map { "\($0.kind) (\($0.subject))" } } }
    /// How often something failed at workers, by its code.
    var failures: [String: Int] { state.withLock { $0.failures } }
    /// What does not hold.
    var violations: [String] { state.withLock { $0.violations } }

    func violated(_ what: String) { state.withLock { $0.violations.append(what) } }

    /// Remembers which server heads each partition.
    func setHeads(_ map: PartitionMap) {
        var heads: [UInt64: Int] = [:]
        for partition in map.tables.flatMap(\.partitions) {
            heads[partition.id.rawValue] = Int(partition.head.dropFirst("server-".count))
        }
        state.withLock { [heads] in $0.heads = heads }
    }

    /// How often each kind of disturbance has happened.
    var disturbances: [String: Int] { state.withLock { $0.disturbances } }

    /// Says that a disturbance begins.
    func began(_ kind: String) { state.withLock { $0.disturbances[kind, default: 0] += 1 } }

    /// Waits from now on for the subject of a disturbance to recover. A server that heads nothing has nothing to
    /// recover.
    func waits(_ kind: String, for subject: Subject) {
        let now = ContinuousClock.now
        state.withLock { state in
            var recovery = Recovery(kind: kind, subject: subject, start: now)
            if case .server(let server) = subject {
                recovery.partitions = Set(state.heads.filter { $0.value == server }.keys)
                guard !recovery.partitions.isEmpty else { return }
            }
            state.waiting.append(recovery)
        }
    }

    /// Takes a worker's line.
    func take(_ line: Substring, fromSlot slot: Int) {
        switch ChaosLine(line) {
        case .sending(let pushes):
            let now = ContinuousClock.now
            state.withLock { state in
                for push in pushes {
                    let (session, partition, sequence) = push
                    state.sent.insert(
                        session: session, partition: PartitionID(rawValue: partition), sequence: sequence)
                    state.departures[Key(session: session, partition: partition, sequence: sequence)] = now
                }
            }
        case .acknowledged(let pushes):
            let now = ContinuousClock.now
            state.withLock { state in
                if let latest = state.latest { state.longestGap = max(state.longestGap, latest.duration(to: now)) }
                state.latest = now
                for push in pushes {
                    let (session, partition, sequence) = push
                    if let latest = state.latestOf[partition] {
                        state.gaps[partition] = max(state.gaps[partition] ?? .zero, latest.duration(to: now))
                    }
                    state.latestOf[partition] = now
                    state.acknowledged.insert(
                        session: session, partition: PartitionID(rawValue: partition), sequence: sequence)
                    let key = Key(session: session, partition: partition, sequence: sequence)
                    guard let departure = state.departures.removeValue(forKey: key) else { continue }
                    Self.recover(&state, slot, partition, departure: departure, now: now)
                }
                // Those that were given up are never answered.
                if state.departures.count > 10_000 { state.departures = [:] }
            }
        case .failed(let code): state.withLock { $0.failures[code, default: 0] += 1 }
        case .violation(let text): violated(text)
        case nil: violated("a worker said: \(line)")
        }
    }

    private static func recover(
        _ state: inout State, _ slot: Int, _ partition: UInt64, departure: ContinuousClock.Instant,
        now: ContinuousClock.Instant
    ) {
        for index in state.waiting.indices.reversed() where departure >= state.waiting[index].start {
            switch state.waiting[index].subject {
            case .server:
                state.waiting[index].partitions.remove(partition)
                guard state.waiting[index].partitions.isEmpty else { continue }
            case .slot(let number): guard number == slot else { continue }
            case .anybody: break
            }
            let recovery = state.waiting.remove(at: index)
            state.recoveries[recovery.kind, default: []].append(recovery.start.duration(to: now))
        }
    }
}
