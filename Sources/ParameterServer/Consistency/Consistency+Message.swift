import MeshWire

/// A ``Consistency`` on the wire: a number for its kind, and what goes with it.
struct EncodedConsistency: MeshMessage {
    static let messageName = "meshwork.parameters.Consistency"

    private var kind: UInt32 = 0
    private var steps = 0
    private var workers = 0
    private var backupWorkers = 0

    init(_ consistency: Consistency) {
        switch consistency {
        case .asynchronous: kind = 1
        case .boundedStaleness(let steps): (kind, self.steps) = (2, steps)
        case .synchronous(let workers, let backupWorkers):
            (kind, self.workers, self.backupWorkers) = (3, workers, backupWorkers)
        case .deterministic(let workers): (kind, self.workers) = (4, workers)
        }
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: kind = try decoder.uint32()
            case 2: steps = try decoder.count()
            case 3: workers = try decoder.count()
            case 4: backupWorkers = try decoder.count()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, kind)
        encoder.uint64(2, UInt64(steps))
        encoder.uint64(3, UInt64(workers))
        encoder.uint64(4, UInt64(backupWorkers))
    }

    func value() throws(WireError) -> Consistency {
        switch kind {
        case 1: return .asynchronous
        case 2: return .boundedStaleness(steps: steps)
        case 3: return .synchronous(workers: workers, backupWorkers: backupWorkers)
        case 4: return .deterministic(workers: workers)
        default: throw WireError(.malformed, "consistency number \(kind) is not known")
        }
    }
}
