import MeshWire

/// Something that happens to a simulated mesh, from a time on until another, counted from its start.
struct Disturbance: Sendable, CustomStringConvertible {
    enum Kind: Sendable {
        /// A server stops as it should, and starts again; `end` says when at the earliest.
        case restart(server: Int)
        /// A server dies, and starts again at the end.
        case crash(server: Int)
        case behaves(server: Int, Behaviour)
        /// Nothing passes between a server and some clients; `nil` for all.
        case partition(server: Int, clients: [Int]?)
        /// All servers of a service restart, one after the other.
        case rollingRestart(service: Int)
        /// All servers of a service die, and start again at the end.
        case outage(service: Int)
        /// All servers of a service behave like this.
        case allBehave(service: Int, Behaviour)
        /// Every peer gets a new certificate, at some time until the end.
        case rotation
        /// Every peer comes to trust a new root beside the old one; then has a certificate of the new one; then ceases to
        /// trust the old one.
        case rootRotation
    }

    let kind: Kind
    let begin: Duration
    let end: Duration

    init(_ kind: Kind, from begin: Duration, to end: Duration) {
        self.kind = kind
        self.begin = begin
        self.end = end
    }

    var description: String { "\(kind), \(begin) to \(end)" }
}

/// A schedule of disturbances that follows from a seed.
///
/// Of each service at most one server is disturbed at a time, unless all of them are; different services, certificates
/// and roots are disturbed independently of each other.
struct DisturbanceSchedule {
    private let shape: MeshSimulation.Shape
    private var generator: SplitMix64

    init(_ shape: MeshSimulation.Shape, seed: UInt64) {
        self.shape = shape
        generator = SplitMix64(seed: seed ^ 0x0D15_7012_BA4C_E5ED)
    }

    /// What happens until `end`.
    static func make(_ shape: MeshSimulation.Shape, seed: UInt64, until end: Duration) -> [Disturbance] {
        var schedule = DisturbanceSchedule(shape, seed: seed)
        let all = (0..<shape.services).flatMap { schedule.ofService($0, until: end) } + schedule.ofTrust(until: end)
        return all.sorted { $0.begin < $1.begin }
    }

    private mutating func ofService(_ service: Int, until end: Duration) -> [Disturbance] {
        var all: [Disturbance] = []
        var time = seconds(1...6)
        while true {
            let (kind, length, rest) = any(of: service)
            guard time + length < end else { return all }
            all.append(Disturbance(kind, from: time, to: time + length))
            time += length + rest + seconds(0...3)
        }
    }

    /// Something that happens to a service, for how long, and how long nothing else does after it.
    private mutating func any(of service: Int) -> (Disturbance.Kind, length: Duration, rest: Duration) {
        let server = service * shape.serversEach + Int.random(in: 0..<shape.serversEach, using: &generator)
        let length = seconds(1...8)
        // Who has two servers is left with one while it recovers from what happened to the other.
        let rest: Duration = shape.subset.map { $0 < 3 } == true ? .seconds(8) : .zero
        switch Int.random(in: 0..<12, using: &generator) {
        case 0, 1: return (.restart(server: server), .seconds(1), .seconds(6))
        case 2: return (.rollingRestart(service: service), .seconds(1) * shape.serversEach, .seconds(6))
        case 3, 4: return (.crash(server: server), length, rest)
        case 5: return (.partition(server: server, clients: nil), length, rest)
        case 6:
            let clients = (0..<shape.clients).filter { $0 % shape.services == service }
            let some = clients.prefix(10).filter { _ in Bool.random(using: &generator) }
            return (.partition(server: server, clients: some), length, rest)
        case 7: return (.outage(service: service), length, .seconds(8))
        default:
            let behaviours: [Behaviour] = [
                .slow(.milliseconds(300)), .silent, .failing, .refusing, .fickle, .erratic,
            ]
            let behaviour = behaviours.randomElement(using: &generator) ?? .failing
            return (.behaves(server: server, behaviour), length, rest)
        }
    }

    /// Every certificate is changed once, and mostly the root is, too.
    private mutating func ofTrust(until end: Duration) -> [Disturbance] {
        let (rotation, root) = (Duration.seconds(4), Duration.seconds(10))
        let first = seconds(1...4)
        let isRootFirst = Bool.random(using: &generator)
        let kinds: [(Disturbance.Kind, Duration)] =
            isRootFirst
            ? [(.rootRotation, root), (.rotation, rotation)] : [(.rotation, rotation), (.rootRotation, root)]
        var (time, all) = (first, [] as [Disturbance])
        for (kind, length) in kinds where time + length < end {
            all.append(Disturbance(kind, from: time, to: time + length))
            time += length + seconds(0...3)
        }
        return all
    }

    private mutating func seconds(_ range: ClosedRange<Int64>) -> Duration {
        .milliseconds(Int64.random(in: range.lowerBound * 1_000...range.upperBound * 1_000, using: &generator))
    }
}
