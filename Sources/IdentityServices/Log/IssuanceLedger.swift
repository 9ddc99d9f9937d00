public import Identity
import Synchronization

/// The issuance log of a service: entries are added by one at a time, and found by the certificate that they are of.
///
/// ```swift
/// let ledger = try IssuanceLedger(IssuanceLog(signer: signer, storage: FileIssuanceLogStorage(path: path)))
/// let authority = try ManagedAuthority(rotation, ledger: ledger)
/// ```
/// Guarded by one mutex, which is held for as long as the disk takes to keep an entry.
public final class IssuanceLedger: Sendable {
    private struct State {
        var log: IssuanceLog
        var places: [SHA256Fingerprint: UInt64]
    }

    /// What checkpoints are verified with.
    public let publicKey: NoteKey
    private let state: Mutex<State>

    /// Takes charge of a log, of which each entry is read once.
    ///
    /// - Throws: `IdentityError` with code `logNotStored` or `malformedRecord`.
    public init(_ log: IssuanceLog) throws(IdentityError) {
        publicKey = log.publicKey
        var places: [SHA256Fingerprint: UInt64] = [:]
        for index in 0..<log.size { places[try log.record(at: index).fingerprint] = index }
        state = Mutex(State(log: log, places: places))
    }

    /// How many entries it has.
    public var size: UInt64 { state.withLock { $0.log.size } }

    /// Enters what was issued, and returns when it is kept.
    ///
    /// - Throws: `IdentityError` with code `logNotStored`: the certificate must not leave then.
    func append(_ record: IssuanceRecord) throws(IdentityError) {
        try state.withLock { state throws(IdentityError) in
            state.places[record.fingerprint] = try state.log.append(record)
        }
    }

    /// A signed checkpoint, and the proof that the log grew to it from a size; where it never had that size, an empty one,
    /// from which who asks sees that it shrank.
    func checkpoint(from size: UInt64) throws(IdentityError) -> (note: String, proof: ConsistencyProof) {
        try state.withLock { state throws(IdentityError) in
            let note = try state.log.signedCheckpoint()
            guard size <= state.log.size else { return (note, ConsistencyProof(hashes: [])) }
            return (note, try state.log.consistencyProof(from: size))
        }
    }

    /// The entry of a certificate, and the proof that it is in the log of a size; nil where there was none then.
    func entry(
        of certificate: SHA256Fingerprint, at size: UInt64
    ) throws(IdentityError) -> (record: IssuanceRecord, index: UInt64, proof: InclusionProof)? {
        try state.withLock { state throws(IdentityError) in
            guard let index = state.places[certificate], index < size else { return nil }
            return (try state.log.record(at: index), index, try state.log.inclusionProof(of: index, at: size))
        }
    }

    /// The records of the certificates that are good at `now`, by the order of the names, and of one name as they came.
    func current(at now: UnixTime) throws(IdentityError) -> [IssuanceRecord] {
        try state.withLock { state throws(IdentityError) in
            var good: [SPIFFEID: [IssuanceRecord]] = [:]
            for index in 0..<state.log.size {
                let record = try state.log.record(at: index)
                if record.notAfter >= now { good[record.spiffeID, default: []].append(record) }
            }
            return good.sorted { $0.key < $1.key }.flatMap(\.value)
        }
    }
}
