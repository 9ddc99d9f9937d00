import MeshWire

/// What goes wrong in a simulated job, and when. All of it follows from the seed.
struct ChaosSchedule: Sendable {
    /// Something that happens to one process, and is over after a while: what died starts again, what was cut off is
    /// heard again.
    enum Disturbance: Sendable, Hashable {
        case killServer(Int, losesPower: Bool, away: Duration)
        case stopServer(Int, for: Duration)
        /// Its disk is full, or fails to sync; then the server starts anew, on a disk that works.
        case spoilDisk(Int, isFull: Bool, for: Duration)
        case isolateServer(Int, for: Duration)
        case killWorker(Int)
        case stopWorker(Int, for: Duration)
        case isolateWorker(Int, for: Duration)
        /// Another takes its slot, while it may still run.
        case replaceWorker(Int)
        case killCoordinator(losesPower: Bool, away: Duration)
        case stopCoordinator(for: Duration)
        /// The time of day of a server, or of the coordinator, is ahead by so much from now on: a jump forward or back.
        case setClock(ofServer: Int?, ahead: Duration)
    }

    /// A disturbance and its time.
    struct Entry: Sendable, Hashable, CustomStringConvertible {
        var start: Duration
        var disturbance: Disturbance
        var description: String { "\(start): \(disturbance)" }
    }

    let entries: [Entry]

    /// - Parameters:
    ///   - losesPower: whether machines may lose what was not synced, as pushes survive that.
    ///   - hasLogs: whether servers have a disk that can be full or fail; without, they die instead.
    ///   - length: when the last disturbance begins at the latest.
    init(seed: UInt64, servers: Int, workers: Int, losesPower: Bool, hasLogs: Bool, length: Duration) {
        var generator = SplitMix64(seed: seed ^ 0x4348_414F_5321)
        func milliseconds(_ range: ClosedRange<Int64>) -> Duration {
            .milliseconds(Int64.random(in: range, using: &generator))
        }
        var entries: [Entry] = []
        var time = milliseconds(100...400)
        while time < length {
            let server = Int.random(in: 0..<servers, using: &generator)
            let worker = Int.random(in: 0..<workers, using: &generator)
            let powerFails = Bool.random(using: &generator) && losesPower
            var disturbance: Disturbance =
                switch Int.random(in: 0..<16, using: &generator) {
                case 0...2: .killServer(server, losesPower: powerFails, away: milliseconds(1...400))
                case 3: .stopServer(server, for: milliseconds(10...1_200))
                case 4: .spoilDisk(server, isFull: Bool.random(using: &generator), for: milliseconds(10...300))
                case 5: .isolateServer(server, for: milliseconds(10...800))
                case 6, 7: .killWorker(worker)
                case 8: .stopWorker(worker, for: milliseconds(10...Self.longestStop))
                case 9: .isolateWorker(worker, for: milliseconds(10...1_800))
                case 10, 11: .replaceWorker(worker)
                case 12, 13: .killCoordinator(losesPower: powerFails, away: milliseconds(1...600))
                case 14: .stopCoordinator(for: milliseconds(10...900))
                default: .setClock(ofServer: worker == 0 ? nil : server, ahead: milliseconds(0...7_200_000))
                }
            if !hasLogs, case .spoilDisk(_, _, let time) = disturbance {
                disturbance = .killServer(server, losesPower: false, away: time)
            }
            entries.append(Entry(start: time, disturbance: disturbance))
            time += milliseconds(20...500)
        }
        self.entries = entries
    }

    /// The longest that a worker is stopped, in milliseconds: longer than its lease.
    static let longestStop: Int64 = 1_800
}
