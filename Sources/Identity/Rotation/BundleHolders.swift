/// Which of the leaves that are in use are held by workloads that have a bundle: who has to be waited for before a new root
/// may issue.
///
/// A leaf is known by its serial number, so that workloads with one SPIFFE ID are told apart. A value without a clock.
public struct BundleHolders: Sendable {
    private struct Leaf: Sendable {
        let serialNumber: [UInt8]
        let notAfter: UnixTime
        var sequence: UInt64
    }

    private var leaves: [SPIFFEID: [Leaf]] = [:]
    /// Until then there may be leaves that nobody has told of.
    private let unknownUntil: UnixTime?
    /// The most leaves of one ID; of more the last ones count.
    private static let leavesPerIdentity = 64

    /// Nobody has anything.
    ///
    /// - Parameter unknownUntil: when the last of the leaves ends that were issued before, by a process that is gone; nil
    ///   where there are none.
    public init(unknownUntil: UnixTime? = nil) {
        self.unknownUntil = unknownUntil
    }

    /// A leaf was issued to a workload that has, as it says, the bundle of a sequence number.
    ///
    /// - Parameter old: the serial number of the leaf that it takes the place of.
    public mutating func issued(
        _ serialNumber: [UInt8], to id: SPIFFEID, until notAfter: UnixTime, having sequence: UInt64,
        replacing old: [UInt8]? = nil
    ) {
        var known = leaves[id] ?? []
        if let old = old.map(CertificateMarks.normalized) { known.removeAll { $0.serialNumber == old } }
        if known.count >= Self.leavesPerIdentity { known.removeFirst() }
        known.append(
            Leaf(serialNumber: CertificateMarks.normalized(serialNumber), notAfter: notAfter, sequence: sequence))
        leaves[id] = known
    }

    /// The workload with a leaf says that it has the bundle of a sequence number.
    public mutating func acknowledged(_ sequence: UInt64, by serialNumber: [UInt8], of id: SPIFFEID) {
        let serialNumber = CertificateMarks.normalized(serialNumber)
        guard let index = leaves[id]?.lastIndex(where: { $0.serialNumber == serialNumber }),
            let known = leaves[id]?[index].sequence, known < sequence
        else { return }
        leaves[id]?[index].sequence = sequence
    }

    /// Whether whoever holds a leaf that is good at `now` has the bundle of a sequence number, or a later one.
    public func everybodyHas(_ sequence: UInt64, now: UnixTime) -> Bool {
        if let unknownUntil, now <= unknownUntil { return false }
        return leaves.values.allSatisfy { $0.allSatisfy { $0.notAfter < now || $0.sequence >= sequence } }
    }

    /// Who has not, in the order of the names.
    public func without(_ sequence: UInt64, now: UnixTime) -> [SPIFFEID] {
        leaves.filter { $0.value.contains { $0.notAfter >= now && $0.sequence < sequence } }.map(\.key).sorted()
    }

    /// Forgets the leaves that have ended.
    public mutating func forgetEnded(now: UnixTime) {
        leaves = leaves.compactMapValues { known in
            let left = known.filter { $0.notAfter >= now }
            return left.isEmpty ? nil : left
        }
    }
}
