/// A private key that stays where it is, in a security module or with an agent: it signs, and cannot be read.
///
/// ```swift
/// let key = ExternalKey(.p256) { bytes in try await module.signECDSAWithSHA256(bytes, key: "mesh") }
/// let identity = try WorkloadIdentity(chain: chain, key: key)
/// ```
public struct ExternalKey: Sendable {
    /// What kind of key it is.
    public let algorithm: KeyAlgorithm
    let sign: @Sendable ([UInt8]) async throws -> [UInt8]

    /// - Parameters:
    ///   - algorithm: the kind of the key, which is the leaf's.
    ///   - sign: signs the bytes that it is given, once for each handshake. P-256: the ECDSA signature in DER of their
    ///     SHA-256. Ed25519: the 64 bytes of RFC 8032. It may wait, as long as a handshake may take; it is cancelled when
    ///     the connection closes before.
    public init(_ algorithm: KeyAlgorithm, sign: @escaping @Sendable ([UInt8]) async throws -> [UInt8]) {
        self.algorithm = algorithm
        self.sign = sign
    }
}
