import SwiftASN1

/// What a ``DenyList`` knows a certificate by: its serial number, what its signer has signed, and its key.
///
/// The fingerprint of a whole certificate would not do. The signature on it can be written in several ways that are all
/// valid, by anybody and without the signer's key (ECDSA: `s` and `n - s`), so a denied certificate would come back with
/// another fingerprint; what the signature is over cannot be changed.
public struct CertificateMarks: Sendable, Hashable {
    /// The serial number, most significant byte first, without leading zeros: 1 byte at least.
    public let serialNumber: [UInt8]
    /// The SHA-256 of the part that its signer has signed (`TBSCertificate` in DER).
    public let signedPart: SHA256Fingerprint
    /// The SHA-256 of its key (`SubjectPublicKeyInfo` in DER), as `openssl x509 -pubkey` and
    /// `openssl pkey -pubin -outform DER` write it.
    public let key: SHA256Fingerprint

    init(serialNumber: [UInt8], signedPart: SHA256Fingerprint, key: SHA256Fingerprint) {
        self.serialNumber = serialNumber
        self.signedPart = signedPart
        self.key = key
    }

    /// Reads the marks of a certificate in DER. Nothing of it is verified.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedCertificate``.
    public init(der: [UInt8]) throws(IdentityError) {
        do {
            let (serialNumber, signedPart, key) = try Self.parts(of: der)
            self.init(
                serialNumber: Self.normalized(serialNumber), signedPart: SHA256Fingerprint(of: Array(signedPart)),
                key: SHA256Fingerprint(of: Array(key)))
        } catch {
            throw IdentityError(
                .malformedCertificate, "a certificate (\(der.count) bytes) cannot be read", cause: error)
        }
    }

    /// Without leading zeros, which DER puts before a number whose first bit is set.
    static func normalized(_ serialNumber: some Collection<UInt8>) -> [UInt8] {
        let digits = Array(serialNumber.drop { $0 == 0 })
        return digits.isEmpty ? [0] : digits
    }

    /// RFC 5280, 4.1: the first element is what is signed; in it, behind a version that may be left out, the serial
    /// number is the first and the key the sixth.
    private static func parts(of der: [UInt8]) throws -> (ArraySlice<UInt8>, ArraySlice<UInt8>, ArraySlice<UInt8>) {
        let signed = try DER.sequence(DER.parse(der), identifier: .sequence) { nodes in
            let first = nodes.next()
            while nodes.next() != nil {}
            return first
        }
        guard let signed else { throw ASN1Error.invalidASN1Object(reason: "an empty certificate") }
        return try DER.sequence(signed, identifier: .sequence) { nodes in
            var fields: [ASN1Node] = []
            while let node = nodes.next() { fields.append(node) }
            if fields.first?.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific) {
                fields.removeFirst()
            }
            guard fields.count >= 6, case .primitive(let serialNumber) = fields[0].content else {
                throw ASN1Error.invalidASN1Object(reason: "a certificate without serial number or key")
            }
            return (serialNumber, signed.encodedBytes, fields[5].encodedBytes)
        }
    }
}
