import Identity

/// What each leaf that is in use was authorised for, so that its renewal says the same: workloads with one SPIFFE ID may
/// have other names each. Leaves that have ended make room.
struct JoinedWorkloads {
    private struct Leaf {
        let serialNumber: [UInt8]
        let authorization: IssuanceAuthorization
        let notAfter: UnixTime
    }

    private let capacity: Int
    private var leaves: [SPIFFEID: [Leaf]] = [:]
    /// The most leaves of one ID; of more the last ones are known.
    private static let leavesPerIdentity = 64

    /// - Parameter capacity: the most SPIFFE IDs.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Whether another SPIFFE ID fits, once what has ended is forgotten.
    mutating func hasRoom(at now: UnixTime) -> Bool {
        if leaves.count >= capacity {
            leaves = leaves.filter { $0.value.contains { $0.notAfter >= now } }
        }
        return leaves.count < capacity
    }

    /// A leaf was issued.
    mutating func add(_ serialNumber: [UInt8], _ authorization: IssuanceAuthorization, until notAfter: UnixTime) {
        var known = leaves[authorization.spiffeID] ?? []
        if known.count >= Self.leavesPerIdentity { known.removeFirst() }
        known.append(
            Leaf(
                serialNumber: Array(serialNumber.drop { $0 == 0 }), authorization: authorization, notAfter: notAfter))
        leaves[authorization.spiffeID] = known
    }

    /// What the leaf with a serial number was authorised for; where it is not known, the last one of its SPIFFE ID.
    func authorization(of id: SPIFFEID, serialNumber: [UInt8]) -> IssuanceAuthorization? {
        let digits = Array(serialNumber.drop { $0 == 0 })
        let known = leaves[id] ?? []
        return (known.last { $0.serialNumber == digits } ?? known.last)?.authorization
    }
}
