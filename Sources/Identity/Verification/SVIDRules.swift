import SwiftASN1
import X509

/// The rules of the X.509-SVID standard that concern one certificate by itself: what a leaf and what a signer must say.
///
/// Chain building and what holds for a chain as a whole (validity, path lengths, name constraints) are
/// ``SVIDPolicy``'s.
enum SVIDRules {
    /// The critical extensions that these rules and RFC 5280's enforce; any other makes a certificate unusable.
    static let enforcedExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.basicConstraints, .X509ExtensionID.nameConstraints, .X509ExtensionID.keyUsage,
        .X509ExtensionID.extendedKeyUsage, .X509ExtensionID.subjectAlternativeName,
    ]

    /// The SPIFFE ID of a leaf that keeps every rule (X.509-SVID, 2, 3, 4 and appendix A).
    ///
    /// - Throws: `IdentityError` with code `notAnSVID` that names the broken rule.
    static func identity(ofLeaf leaf: Certificate) throws(IdentityError) -> SPIFFEID {
        let id = try uniqueURI(of: leaf)
        guard !id.isTrustDomain else {
            throw IdentityError(.notAnSVID, "expected a leaf's SPIFFE ID to have a path, found \(id)", peer: id)
        }
        do {
            if let problem = try problem(ofLeaf: leaf) {
                throw IdentityError(.notAnSVID, problem, peer: id)
            }
        } catch let error as IdentityError {
            throw error
        } catch {
            throw IdentityError(.notAnSVID, "an extension of the leaf cannot be read", peer: id, cause: error)
        }
        return id
    }

    private static func uniqueURI(of leaf: Certificate) throws(IdentityError) -> SPIFFEID {
        let uris: [String]
        do {
            uris = try uriNames(of: leaf)
        } catch {
            throw IdentityError(.notAnSVID, "the leaf's subject alternative names cannot be read", cause: error)
        }
        guard uris.count == 1, let uri = uris.first else {
            throw IdentityError(
                .notAnSVID, "expected exactly one URI among a leaf's alternative names, found \(uris.count)")
        }
        do {
            return try SPIFFEID(parsing: uri)
        } catch {
            throw IdentityError(.notAnSVID, "the leaf's URI \(quoted(uri)) is not a SPIFFE ID", cause: error)
        }
    }

    private static func problem(ofLeaf leaf: Certificate) throws -> String? {
        if let unknown = leaf.extensions.first(where: { $0.critical && !enforcedExtensions.contains($0.oid) }) {
            return "the leaf has the critical extension \(unknown.oid), which is not understood"
        }
        if case .isCertificateAuthority = try leaf.extensions.basicConstraints {
            return "expected a leaf with cA false, found cA true"
        }
        guard let usageExtension = leaf.extensions[oid: .X509ExtensionID.keyUsage] else {
            return "expected a leaf to state its key usage, found none"
        }
        guard usageExtension.critical else {
            return "expected a leaf's key usage to be critical"
        }
        let usage = try KeyUsage(usageExtension)
        guard usage.digitalSignature else { return "expected a leaf's key usage to include digitalSignature" }
        guard !usage.keyCertSign else { return "expected a leaf's key usage without keyCertSign" }
        guard !usage.cRLSign else { return "expected a leaf's key usage without cRLSign" }
        if let purposes = try leaf.extensions.extendedKeyUsage,
            !(purposes.contains(.serverAuth) && purposes.contains(.clientAuth))
        {
            return "expected a leaf's extended key usage to include server and client authentication"
        }
        return nil
    }

    /// What keeps a certificate from signing SVIDs of `domain`, nil when nothing does.
    static func problem(ofSigner signer: Certificate, in domain: TrustDomain) -> String? {
        do {
            guard case .isCertificateAuthority = try signer.extensions.basicConstraints else {
                return "expected a signer with cA true"
            }
            guard let usage = try signer.extensions.keyUsage, usage.keyCertSign else {
                return "expected a signer's key usage to include keyCertSign"
            }
            // A signer of another PKI may have no URI; one that has any must name the trust domain and nothing else.
            let uris = try uriNames(of: signer)
            guard uris.count <= 1 else {
                return "expected at most one URI among a signer's alternative names, found \(uris.count)"
            }
            if let uri = uris.first, SPIFFEID(uri) != domain.id {
                return "expected a signer's URI to be \(domain.id), found \(quoted(uri))"
            }
            return nil
        } catch {
            return "an extension of a signer cannot be read: \(error)"
        }
    }

    /// The URIs among a certificate's alternative names, in their order.
    static func uriNames(of certificate: Certificate) throws -> [String] {
        guard let names = try certificate.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
        }
    }
}
