/// Watches an issuance log from outside: remembers the newest checkpoint that it has accepted, and takes only those that
/// the log can have grown into.
///
/// Several watchers that compare their checkpoints also see a log that tells them different things.
public struct IssuanceLogVerifier: Sendable, Hashable {
    /// The log's key.
    public let key: NoteKey
    /// The newest checkpoint accepted; of an empty log at first.
    public private(set) var latest: LogCheckpoint

    /// Begins to watch a log, from its beginning or from a checkpoint that was accepted before.
    public init(key: NoteKey, latest: LogCheckpoint? = nil) {
        self.key = key
        self.latest = latest ?? LogCheckpoint(origin: key.name, size: 0, root: MerkleHash.empty)
    }

    /// Takes a newer checkpoint.
    ///
    /// - Parameters:
    ///   - note: the signed checkpoint.
    ///   - proof: that the log grew from ``latest`` to it; empty where one of the two is empty or they are equal.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedNote``, ``IdentityError/Code/noteNotSigned``, or
    ///   ``IdentityError/Code/logInconsistent`` when the log shrank, changed, or was shown otherwise to us than to
    ///   others. ``latest`` is as it was then.
    @discardableResult
    public mutating func accept(_ note: String, proof: ConsistencyProof) throws(IdentityError) -> LogCheckpoint {
        let next = try LogCheckpoint(note: note, verifiedBy: key)
        guard next.size >= latest.size else {
            throw IdentityError(
                .logInconsistent,
                "expected \(latest.size) entries or more of the log \(key.name), found \(next.size)")
        }
        guard proof.leads(from: latest.root, at: latest.size, to: next.root, at: next.size) else {
            throw IdentityError(
                .logInconsistent,
                "the log \(key.name) with \(next.size) entries is not shown to begin with the \(latest.size) known")
        }
        latest = next
        return next
    }

    /// Checks that a record is in the log.
    ///
    /// - Parameters:
    ///   - record: what was issued.
    ///   - index: its place in the log.
    ///   - proof: for that place and the size of ``latest``.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/notInLog``.
    public func check(_ record: IssuanceRecord, at index: UInt64, proof: InclusionProof) throws(IdentityError) {
        guard proof.root(of: record.encoded, at: index, size: latest.size) == latest.root else {
            throw IdentityError(
                .notInLog,
                "the certificate \(record.fingerprint) of \(record.spiffeID) is not shown to be entry \(index) of the "
                    + "\(latest.size) of \(key.name)", peer: record.spiffeID)
        }
    }
}
