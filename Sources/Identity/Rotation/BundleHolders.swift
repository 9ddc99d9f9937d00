/// Which of the leaves that are in use are held by workloads that have a bundle: who has to be waited for before a new root
/// may issue, and which of them lead to a root that is to be dropped.
///
/// A leaf is known by its serial number, so that workloads with one SPIFFE ID are told apart. A value without a clock.
public struct BundleHolders: Sendable {
    private struct Leaf: Sendable {
        let serialNumber: [UInt8]
        let notAfter: UnixTime
        let root: SHA256Fingerprint?
        var sequence: UInt64
    }

    private var leaves: [SPIFFEID: [Leaf]] = [:]
    /// When the last of the leaves ends for which there was no room.
    private var forgotten: [SPIFFEID: UnixTime] = [:]
    /// Until then there may be leaves that nobody has told of; nil where there are none.
    public let unknownUntil: UnixTime?
    /// The most leaves of one ID; of more the last ones are known, and the ends of the others are waited for.
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
    /// - Parameters:
    ///   - root: what it leads to.
    ///   - old: the serial number of the leaf that it takes the place of.
    public mutating func issued(
        _ serialNumber: [UInt8], to id: SPIFFEID, until notAfter: UnixTime, below root: SHA256Fingerprint? = nil,
        having sequence: UInt64, replacing old: [UInt8]? = nil
    ) {
        var known = leaves[id] ?? []
        if let old = old.map(CertificateMarks.normalized) { known.removeAll { $0.serialNumber == old } }
        if known.count >= Self.leavesPerIdentity {
            let end = known.removeFirst().notAfter
            forgotten[id] = max(forgotten[id] ?? end, end)
        }
        known.append(
            Leaf(
                serialNumber: CertificateMarks.normalized(serialNumber), notAfter: notAfter, root: root,
                sequence: sequence))
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
        return without(sequence, now: now).isEmpty
    }

    /// Who has not, in the order of the names; of leaves that nobody has told of (``unknownUntil``) it says nothing.
    public func without(_ sequence: UInt64, now: UnixTime) -> [SPIFFEID] {
        holders(now: now) { $0.sequence < sequence }
    }

    /// Who has a leaf that is good at `now` and leads to another root, in the order of the names; of leaves that nobody has
    /// told of (``unknownUntil``) it says nothing.
    public func notBelow(_ root: SHA256Fingerprint, now: UnixTime) -> [SPIFFEID] {
        holders(now: now) { $0.root != root }
    }

    private func holders(now: UnixTime, where isWaitedFor: (Leaf) -> Bool) -> [SPIFFEID] {
        let known = leaves.filter { $0.value.contains { $0.notAfter >= now && isWaitedFor($0) } }.keys
        return Set(known).union(forgotten.filter { $0.value >= now }.keys).sorted()
    }

    /// Forgets the leaves that have ended.
    public mutating func forgetEnded(now: UnixTime) {
        leaves = leaves.compactMapValues { known in
            let left = known.filter { $0.notAfter >= now }
            return left.isEmpty ? nil : left
        }
        forgotten = forgotten.filter { $0.value >= now }
    }
}
