import MeshTransport
import MeshworkTesting

@testable import Identity

/// Certificates, keys and roots as another program's files hold them.
enum CredentialFiles {
    private static let good = try? TestAuthority(runtime: SystemRuntime.shared).identity("/peer").current

    static func read(_ bytes: [UInt8]) {
        guard let good else { fatalError("there is no trust domain") }
        _ = try? WorkloadIdentity(certificateFile: bytes, keyFile: bytes)
        guard let roots = try? TrustDomainBundle(file: bytes, of: good.svid.spiffeID.trustDomain) else { return }
        // What is read of a file can be published.
        precondition(!roots.document.isEmpty && roots.pem.isEmpty == roots.roots.isEmpty)
    }

    /// Chain and key in one file, each alone, in PEM and DER, and a bundle's document.
    static func seeds() -> [[UInt8]] {
        guard let good else { return [] }
        let (svid, domain) = (good.svid, good.svid.spiffeID.trustDomain)
        let key = svid.withPrivateKeyPEM { $0 }
        let roots = good.bundle.pem(of: domain)
        return [
            Array((key + svid.chainPEM).utf8), Array(svid.chainPEM.utf8), Array(key.utf8), Array((roots + roots).utf8),
            svid.chain[0], svid.withPrivateKeyDER { $0 }, good.bundle.roots[0], good.bundle[domain]?.document ?? [],
        ]
    }
}
