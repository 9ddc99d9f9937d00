public import Identity
public import MeshTransport

/// Watches an issuance log over the mesh: whether it only grows, and whether a certificate is in it.
///
/// ```swift
/// var watcher = IssuanceLogWatcher(of: key, through: mesh.client(authority))
/// try await watcher.update()                               // throws logInconsistent when the log has changed its past
/// let record = try await watcher.record(of: leaf)          // throws notInLog for a certificate that nobody entered
/// ```
/// A value: whoever has it keeps ``latest``, and compares it with other watchers', since a log could show each another
/// past.
public struct IssuanceLogWatcher: Sendable {
    private var verifier: IssuanceLogVerifier
    private let client: MeshClient

    /// - Parameters:
    ///   - key: the log's key, known from elsewhere.
    ///   - client: of where ``IssuanceLogService`` is served.
    ///   - latest: the newest checkpoint that was accepted before.
    public init(of key: NoteKey, through client: MeshClient, latest: LogCheckpoint? = nil) {
        verifier = IssuanceLogVerifier(key: key, latest: latest)
        self.client = client
    }

    /// The newest checkpoint accepted.
    public var latest: LogCheckpoint { verifier.latest }

    /// Asks for the newest checkpoint, and accepts it if the log has grown to it.
    ///
    /// - Throws: `MeshError`, or `IdentityError` as ``/Identity/IssuanceLogVerifier/accept(_:proof:)``; ``latest`` is as it
    ///   was then.
    @discardableResult
    public mutating func update() async throws -> LogCheckpoint {
        let known = verifier.latest.size
        let checkpoint = try await client.call(
            IssuanceLogService.checkpoint, CheckpointRequest(knownSize: known))
        return try verifier.accept(checkpoint.note, proof: ConsistencyProof(hashes: try checkpoint.proof.hashes()))
    }

    /// What the log of ``latest`` says of a certificate.
    ///
    /// - Parameter certificate: in DER.
    /// - Throws: `IdentityError` with code `notInLog` when the log does not have it, or does not show that it does;
    ///   `MeshError`.
    public func record(of certificate: [UInt8]) async throws -> IssuanceRecord {
        let fingerprint = SHA256Fingerprint(of: certificate)
        let entry: LogEntry
        do throws(MeshError) {
            entry = try await client.call(
                IssuanceLogService.entry, EntryRequest(certificate: fingerprint.bytes, size: verifier.latest.size))
        } catch {
            guard error.status == .notFound else { throw error }
            throw IdentityError(
                .notInLog, "the certificate \(fingerprint) is not among the \(latest.size) of \(latest.origin)")
        }
        let record = try IssuanceRecord(encoded: entry.record)
        guard record.fingerprint == fingerprint else {
            throw IdentityError(.notInLog, "expected the entry of \(fingerprint), the log sent \(record.fingerprint)'s")
        }
        try verifier.check(record, at: entry.index, proof: InclusionProof(hashes: try entry.proof.hashes()))
        return record
    }
}
