/// Where the files of an identity are that another program issues and renews.
///
/// ```swift
/// IdentityFiles(folder: "/var/run/secrets/mesh")                    // cert-manager: tls.crt, tls.key, ca.crt
/// IdentityFiles(folder: "/run/spire", certificate: "svid.pem", key: "svid_key.pem", roots: "svid_bundle.pem")
/// IdentityFiles(certificate: "/etc/step/mesh.crt", key: "/etc/step/mesh.key", roots: "/etc/step/certs/root_ca.crt")
/// ```
public struct IdentityFiles: Sendable, Hashable {
    /// The certificate chain, leaf first: PEM, or the leaf in DER.
    public var certificate: String
    /// The leaf's private key, P-256 or Ed25519: PEM or DER. May be the same file.
    public var key: String
    /// The roots of the leaf's trust domain: PEM, or one in DER, or a SPIFFE bundle's document.
    public var roots: String

    /// Names the files by their paths.
    public init(certificate: String, key: String, roots: String) {
        self.certificate = certificate
        self.key = key
        self.roots = roots
    }

    /// Names files of one folder; by default as cert-manager and Kubernetes name them.
    public init(
        folder: String, certificate: String = "tls.crt", key: String = "tls.key", roots: String = "ca.crt"
    ) {
        self.init(
            certificate: "\(folder)/\(certificate)", key: "\(folder)/\(key)", roots: "\(folder)/\(roots)")
    }

    var paths: [String] { [certificate, key, roots] }
}
