import Coordination
public import MeshTransport
import MeshWire

/// What the rounds of a job need beside pushes, for policies that name its methods: workers arrive and collect, servers
/// follow.
public enum RoundService: MeshService {
    /// `meshwork.Rounds`.
    public static let name: ServiceName = "meshwork.Rounds"

    /// A worker takes part, or says that its gradients for the open round are at all partitions; the leader answers
    /// when the round is closed, or that it is not yet.
    static let arrive = unary("Arrive", RoundArrival.self, RoundState.self, retry: .idempotent)
    /// A server asks the leader for decisions that it does not know.
    static let follow = unary("Follow", RoundQuery.self, RoundState.self, retry: .idempotent)
    /// A worker asks for the answers to pushes that wait for their round.
    static let collect = unary("Collect", RoundCollection.self, PushResponse.self, retry: .idempotent)

    /// How long a call waits for its round before it is answered that it has to come again.
    static let patience = Duration.seconds(5)
}

/// A worker takes part in rounds, or has arrived for one.
struct RoundArrival: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.RoundArrival"

    var worker: RoundDecision.Worker
    /// The last round that the worker knows to be closed.
    var standing: UInt64
    /// Whether its gradients for the round after are at all partitions.
    var hasArrived: Bool

    init(worker: RoundDecision.Worker, standing: UInt64, hasArrived: Bool) {
        self.worker = worker
        self.standing = standing
        self.hasArrived = hasArrived
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(
            worker: RoundDecision.Worker(slot: 0, session: SessionID(high: 0, low: 0)), standing: 0, hasArrived: false)
        while let field = try decoder.nextField() {
            switch field {
            case 1: worker = try decoder.message()
            case 2: standing = try decoder.uint64()
            case 3: hasArrived = try decoder.bool()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, worker)
        encoder.uint64(2, standing)
        encoder.bool(3, hasArrived)
    }
}

/// A server's question for decisions.
struct RoundQuery: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.RoundQuery"

    /// The round after which it wants to hear of them; `nil` for what there is.
    var known: UInt64?

    init(known: UInt64?) { self.known = known }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        known = nil
        while let field = try decoder.nextField() {
            guard field == 1 else { continue }
            let number = try decoder.uint64()
            known = number == 0 ? nil : number - 1
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        if let known { encoder.uint64(1, known + 1) }
    }
}

/// What a round leader has decided, and what it waits for.
struct RoundState: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.RoundState"

    /// The last round that is closed; 0 for none.
    var decided: UInt64
    /// The last decisions, in the order of rounds.
    var decisions: [RoundDecision]
    /// For whom the open round waits, in words.
    var awaited: String

    init(decided: UInt64 = 0, decisions: [RoundDecision] = [], awaited: String = "") {
        self.decided = decided
        self.decisions = decisions
        self.awaited = awaited
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        while let field = try decoder.nextField() {
            switch field {
            case 1: decided = try decoder.uint64()
            case 2: decisions.append(try decoder.message())
            case 3: awaited = try decoder.string()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, decided)
        for decision in decisions { encoder.message(2, decision) }
        encoder.string(3, awaited)
    }
}

/// Asks for the answers to pushes of one session that wait for a round.
struct RoundCollection: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.RoundCollection"

    /// A push.
    struct Entry: MeshMessage, Hashable {
        static let messageName = "meshwork.parameters.RoundCollectionEntry"

        var partition: PartitionID
        var sequence: UInt64

        init(partition: PartitionID, sequence: UInt64) {
            self.partition = partition
            self.sequence = sequence
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(partition: PartitionID(rawValue: 0), sequence: 0)
            while let field = try decoder.nextField() {
                switch field {
                case 1: partition = PartitionID(rawValue: try decoder.uint64())
                case 2: sequence = try decoder.uint64()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, partition.rawValue)
            encoder.uint64(2, sequence)
        }
    }

    var worker: RoundDecision.Worker
    var round: UInt64
    var entries: [Entry]

    init(worker: RoundDecision.Worker, round: UInt64, entries: [Entry]) {
        self.worker = worker
        self.round = round
        self.entries = entries
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(
            worker: RoundDecision.Worker(slot: 0, session: SessionID(high: 0, low: 0)), round: 0, entries: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: worker = try decoder.message()
            case 2: round = try decoder.uint64()
            case 3: entries.append(try decoder.message())
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, worker)
        encoder.uint64(2, round)
        for entry in entries { encoder.message(3, entry) }
    }
}
