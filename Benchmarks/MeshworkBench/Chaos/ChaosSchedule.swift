import MeshWire

/// What goes wrong in a run, and when. All of it follows from the seed; what comes of it does not, as processes run as
/// the system lets them.
struct ChaosSchedule: Sendable {
    /// Something that happens to one process, and is over after a while.
    enum Disturbance: Sendable, Hashable {
        case killServer(Int, away: Duration)
        case stopServer(Int, for: Duration)
        case isolateServer(Int, isSilent: Bool, for: Duration)
        case slowServer(Int, by: Duration, for: Duration)
        case killWorker(Int)
        case stopWorker(Int, for: Duration)
        /// Another takes its slot, while it may still run.
        case replaceWorker(Int)
        case killCoordinator(away: Duration)
        case stopCoordinator(for: Duration)
        case isolateCoordinator(isSilent: Bool, for: Duration)

        /// What it is called in the table.
        var kind: String {
            switch self {
            case .killServer: "server killed"
            case .stopServer: "server stopped"
            case .isolateServer(_, let isSilent, _): isSilent ? "server cut off" : "server refuses"
            case .slowServer: "server's network slow"
            case .killWorker: "worker killed"
            case .stopWorker: "worker stopped"
            case .replaceWorker: "worker replaced"
            case .killCoordinator: "coordinator killed"
            case .stopCoordinator: "coordinator stopped"
            case .isolateCoordinator: "coordinator cut off"
            }
        }

        /// Whose pushes show that it has been overcome.
        var subject: ChaosWatch.Subject {
            switch self {
            case .killServer(let server, _), .stopServer(let server, _), .isolateServer(let server, _, _),
                .slowServer(let server, _, _):
                .server(server)
            case .killWorker(let slot), .stopWorker(let slot, _), .replaceWorker(let slot): .slot(slot)
            case .killCoordinator, .stopCoordinator, .isolateCoordinator: .anybody
            }
        }

        /// Whom it happens to: one thing at a time.
        var process: String {
            switch self {
            case .killServer(let server, _), .stopServer(let server, _), .isolateServer(let server, _, _),
                .slowServer(let server, _, _):
                "server \(server)"
            case .killWorker(let slot), .stopWorker(let slot, _), .replaceWorker(let slot): "worker \(slot)"
            case .killCoordinator, .stopCoordinator, .isolateCoordinator: "coordinator"
            }
        }
    }

    /// A disturbance and its time.
    struct Entry: Sendable {
        var start: Duration
        var disturbance: Disturbance
    }

    let entries: [Entry]

    /// - Parameter length: when the last disturbance begins at the latest.
    init(seed: UInt64, servers: Int, workers: Int, length: Duration) {
        var generator = SplitMix64(seed: seed)
        func milliseconds(_ range: ClosedRange<Int64>) -> Duration {
            .milliseconds(Int64.random(in: range, using: &generator))
        }
        var entries: [Entry] = []
        var time = Duration.seconds(2)
        while time < length {
            let server = Int.random(in: 0..<servers, using: &generator)
            let slot = Int.random(in: 0..<workers, using: &generator)
            let isSilent = Bool.random(using: &generator)
            let disturbance: Disturbance =
                switch Int.random(in: 0..<14, using: &generator) {
                case 0...2: .killServer(server, away: milliseconds(0...1_500))
                case 3: .stopServer(server, for: milliseconds(100...4_000))
                case 4: .isolateServer(server, isSilent: isSilent, for: milliseconds(100...3_000))
                case 5: .slowServer(server, by: milliseconds(5...100), for: milliseconds(500...2_000))
                case 6, 7: .killWorker(slot)
                case 8: .stopWorker(slot, for: milliseconds(100...5_000))
                case 9: .replaceWorker(slot)
                case 10, 11: .killCoordinator(away: milliseconds(0...2_000))
                case 12: .stopCoordinator(for: milliseconds(100...2_500))
                default: .isolateCoordinator(isSilent: isSilent, for: milliseconds(100...2_500))
                }
            entries.append(Entry(start: time, disturbance: disturbance))
            time += milliseconds(200...1_800)
        }
        self.entries = entries
    }
}
