/// What an authority has issued, in a form that it cannot change afterwards without being found out: a Merkle tree over
/// records, whose root it signs (RFC 6962, C2SP tlog-checkpoint).
///
/// Whoever remembers one checkpoint (``IssuanceLogVerifier``) sees whether the log only grew since, and whether a given
/// certificate is in it; a certificate that is in no log was issued by somebody who stole the key.
/// ```swift
/// var log = try IssuanceLog(signer: NoteSigner(name: "digits.example/issuance"), storage: InMemoryIssuanceLogStorage())
/// let index = try log.append(record)
/// let checkpoint = try log.signedCheckpoint()
/// let proof = try log.inclusionProof(of: index)
/// ```
/// A value without a clock, whose owner serializes changes. An entry costs 64 bytes beside what its store keeps.
public struct IssuanceLog: Sendable {
    private let signer: NoteSigner
    private var storage: any IssuanceLogStorage
    private var tree = MerkleTree()

    /// The most entries: 2 GiB of hashes.
    public static let maximumSize: UInt64 = 1 << 25

    /// Opens the log that a store holds, reading each of its entries once.
    ///
    /// - Parameters:
    ///   - signer: signs the checkpoints; its name is the log's.
    ///   - storage: where the entries are and go.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/logNotStored`` when it cannot be read.
    public init(signer: NoteSigner, storage: some IssuanceLogStorage) throws(IdentityError) {
        self.signer = signer
        self.storage = storage
        for index in 0..<storage.count {
            do {
                tree.append(try storage.entry(at: index))
            } catch {
                throw IdentityError(
                    .logNotStored, "entry \(index) of \(storage.count) of the issuance log cannot be read", cause: error
                )
            }
        }
    }

    /// What others verify checkpoints with.
    public var publicKey: NoteKey { signer.publicKey }
    /// How many entries the log has.
    public var size: UInt64 { tree.size }
    /// Size and root as they are now, not signed.
    public var checkpoint: LogCheckpoint {
        LogCheckpoint(origin: signer.publicKey.name, size: size, root: tree.root(at: size))
    }

    /// Appends a record, and returns its index. The certificate should leave the authority only afterwards.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/logNotStored`` when the store fails or the log is full;
    ///   nothing has changed then.
    public mutating func append(_ record: IssuanceRecord) throws(IdentityError) -> UInt64 {
        guard size < Self.maximumSize else {
            throw IdentityError(.logNotStored, "the issuance log has \(size) entries, and may have no more")
        }
        let entry = record.encoded
        do {
            try storage.append(entry)
        } catch {
            throw IdentityError(.logNotStored, "entry \(size) of the issuance log could not be kept", cause: error)
        }
        tree.append(entry)
        return size - 1
    }

    /// The record at an index.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/logNotStored`` (no such index, or the store fails) or
    ///   ``IdentityError/Code/malformedRecord``.
    public func record(at index: UInt64) throws(IdentityError) -> IssuanceRecord {
        try check(index < size, "index", index, "below \(size)")
        do {
            return try IssuanceRecord(encoded: storage.entry(at: index))
        } catch let error as IdentityError {
            throw error
        } catch {
            throw IdentityError(.logNotStored, "entry \(index) of the issuance log cannot be read", cause: error)
        }
    }

    /// Size and root as they are now, signed: a note of a few lines.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/signingFailed``.
    public func signedCheckpoint() throws(IdentityError) -> String {
        try SignedNote.sign(checkpoint.text, by: signer)
    }

    /// The proof that the entry at an index is in the log of a size, its own by default.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/logNotStored`` when there is no such entry or size.
    public func inclusionProof(of index: UInt64, at size: UInt64? = nil) throws(IdentityError) -> InclusionProof {
        let size = size ?? self.size
        try check(size <= self.size, "size", size, "at most \(self.size)")
        try check(index < size, "index", index, "below \(size)")
        return tree.inclusionProof(of: index, at: size)
    }

    /// The proof that the log only grew from one size to another, its own by default.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/logNotStored`` when there are no such sizes.
    public func consistencyProof(from oldSize: UInt64, to newSize: UInt64? = nil) throws(IdentityError)
        -> ConsistencyProof
    {
        let newSize = newSize ?? size
        try check(newSize <= size, "size", newSize, "at most \(size)")
        try check(oldSize <= newSize, "size", oldSize, "at most \(newSize)")
        return tree.consistencyProof(from: oldSize, to: newSize)
    }

    private func check(_ isTrue: Bool, _ what: String, _ found: UInt64, _ expected: String) throws(IdentityError) {
        guard isTrue else {
            throw IdentityError(.logNotStored, "expected \(what) of the issuance log \(expected), found \(found)")
        }
    }
}
