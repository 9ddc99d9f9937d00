import SwiftASN1

/// Certificates, keys and bundles as other programs write them to files: cert-manager, step-ca, OpenSSL, SPIFFE's helper.
///
/// A file is PEM, with any number of blocks in it and any text around them, or one certificate or key in DER, or a bundle's
/// document. Blocks of another kind are passed over, so that one file may hold key and chain.
enum CredentialFile {
    /// The most bytes of a file, checked before it is parsed: a bundle of 256 roots has about 200 KiB.
    static let maximumBytes = 1_048_576
    private static let maximumBlocks = 512

    /// The certificates of a file, in its order; at least one.
    static func certificates(in bytes: [UInt8]) throws(IdentityError) -> [[UInt8]] {
        guard let blocks = try blocks(in: bytes) else { return [bytes] }
        let certificates = blocks.filter { $0.discriminator == "CERTIFICATE" }.map(\.derBytes)
        guard !certificates.isEmpty else {
            throw IdentityError(
                .malformedCertificate,
                "expected a CERTIFICATE among the file's \(blocks.count) blocks of PEM, found none")
        }
        return certificates
    }

    /// The private key of a file. No error says more of it than its kind.
    static func key(in bytes: [UInt8]) throws(IdentityError) -> WorkloadKey {
        guard let blocks = try blocks(in: bytes) else {
            if let key = WorkloadKey(der: bytes) { return key }
            throw IdentityError(.keyMismatch, "expected a P-256 or Ed25519 private key in DER, found something else")
        }
        let keys = blocks.filter { $0.discriminator.hasSuffix("PRIVATE KEY") }
        guard keys.count == 1 else {
            throw IdentityError(.keyMismatch, "expected one private key in the file, found \(keys.count)")
        }
        guard let key = WorkloadKey(pem: keys[0].pemString) else {
            throw IdentityError(
                .keyMismatch,
                "expected a P-256 or Ed25519 private key that is not encrypted, found another \(keys[0].discriminator)")
        }
        return key
    }

    /// The blocks of a file in PEM; nil for one in DER.
    private static func blocks(in bytes: [UInt8]) throws(IdentityError) -> [PEMDocument]? {
        guard bytes.count <= maximumBytes else {
            throw IdentityError(
                .malformedCertificate, "expected a file of at most \(maximumBytes) bytes, found \(bytes.count)")
        }
        // A sequence in DER begins with a digit of ASCII, and has bytes that no text has.
        guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else { return nil }
        do {
            let blocks = try PEMDocument.parseMultiple(pemString: text)
            // The library takes a beginning without a line feed for the end.
            guard text.ranges(of: "-----BEGIN ").count == blocks.count else {
                throw IdentityError(.malformedCertificate, "the file's PEM cannot be read: is it cut off?")
            }
            guard (1...maximumBlocks).contains(blocks.count) else {
                throw IdentityError(
                    .malformedCertificate,
                    "expected 1 to \(maximumBlocks) blocks of PEM in the file, found \(blocks.count)")
            }
            return blocks
        } catch let error as IdentityError {
            throw error
        } catch {
            // The library's error may repeat what it read, which may be a key.
            throw IdentityError(.malformedCertificate, "the file's PEM cannot be read: is it cut off?")
        }
    }
}

extension WorkloadIdentity {
    /// Reads an identity of files' contents.
    ///
    /// - Parameters:
    ///   - certificates: the chain, leaf first: PEM, or the leaf alone in DER.
    ///   - key: the leaf's key: PEM (PKCS#8 or SEC 1) or DER; may be the same file.
    /// - Throws: as ``init(chain:privateKeyPEM:)``.
    public init(certificateFile certificates: [UInt8], keyFile key: [UInt8]) throws(IdentityError) {
        let chain = try CredentialFile.certificates(in: certificates)
        try self.init(chain: chain, key: try CredentialFile.key(in: key))
    }
}

extension TrustDomainBundle {
    /// Reads a domain's bundle of a file's contents: roots in PEM, or one in DER, or a bundle's document, which begins
    /// with a brace.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustBundle``,
    ///   ``IdentityError/Code/malformedCertificate`` or ``IdentityError/Code/malformedBundleDocument``.
    public init(file bytes: [UInt8], of trustDomain: TrustDomain) throws(IdentityError) {
        let start = bytes.first { ![0x09, 0x0A, 0x0D, 0x20].contains($0) }
        if start == UInt8(ascii: "{") {
            try self.init(document: bytes, of: trustDomain)
        } else {
            try self.init(trustDomain, roots: try CredentialFile.certificates(in: bytes))
        }
    }
}
