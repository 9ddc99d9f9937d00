import Foundation
import Identity
import MeshTransport
import TestSupport

/// A certificate authority that is `openssl ca`: for certificates that ours would not make.
struct OpenSSLAuthority {
    /// What a certificate says.
    struct Leaf: Sendable {
        /// Who signs it.
        enum Signer: Sendable { case root, itself, anotherLeaf }

        var signer = Signer.root
        /// Its extensions, as OpenSSL's configuration writes them.
        var extensions = [
            "basicConstraints": "critical,CA:FALSE", "keyUsage": "critical,digitalSignature",
            "extendedKeyUsage": "serverAuth,clientAuth",
        ]
        /// When it becomes valid and ends, from now.
        var validity = (begin: Duration.seconds(-60), end: Duration.seconds(3_600))
    }

    let trustDomain: TrustDomain
    private let folder: TemporaryFolder

    init(_ domain: String) async throws {
        trustDomain = try TrustDomain(parsing: domain)
        folder = try TemporaryFolder()
        try Data().write(to: file("index"))
        try await make(
            "root",
            Leaf(
                signer: .itself,
                extensions: [
                    "basicConstraints": "critical,CA:TRUE", "keyUsage": "critical,keyCertSign",
                    "subjectAltName": "URI:\(trustDomain.id)",
                ]))
        try await OpenSSL.run(["x509", "-in", path("root.pem"), "-outform", "DER", "-out", path("root.der")])
    }

    /// The root's certificate in DER.
    var root: [UInt8] { get throws { try Array(Data(contentsOf: file("root.der"))) } }

    /// Makes a certificate and its key, which `target` then has as `chain.pem` and `key.pem`.
    ///
    /// - Returns: how OpenSSL is told to show what has signed it, if that is no root.
    func issue(_ leaf: Leaf, into target: TemporaryFolder) async throws -> [String] {
        var leaf = leaf
        if leaf.extensions["subjectAltName"] == nil { leaf.extensions["subjectAltName"] = "URI:\(trustDomain.id)/peer" }
        var signers: [String] = []
        if leaf.signer == .anotherLeaf {
            var other = Leaf()
            other.extensions["subjectAltName"] = "URI:\(trustDomain.id)/signer"
            try await make("other", other)
            try FileManager.default.copyItem(at: file("other.pem"), to: target.file("signers.pem"))
            signers = ["-cert_chain", target.file("signers.pem").path]
        }
        try await make("leaf", leaf)
        try FileManager.default.copyItem(at: file("leaf.pem"), to: target.file("chain.pem"))
        try target.writeSecret(String(contentsOf: file("leaf.key"), encoding: .utf8), to: "key.pem")
        return signers
    }

    private func file(_ name: String) -> URL { folder.file(name) }
    private func path(_ name: String) -> String { file(name).path }

    /// Makes `name.pem` and `name.key`.
    private func make(_ name: String, _ leaf: Leaf) async throws {
        let extensions = leaf.extensions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let configuration = """
            [req]
            distinguished_name=subject
            prompt=no
            [subject]
            CN=\(name)
            [ca]
            default_ca=authority
            [authority]
            database=\(path("index"))
            new_certs_dir=\(path("."))
            rand_serial=yes
            default_md=sha256
            policy=any
            unique_subject=no
            [any]
            commonName=optional
            [extensions]
            \(extensions.joined(separator: "\n"))

            """
        try Data(configuration.utf8).write(to: file("openssl.cnf"))
        try await OpenSSL.run([
            "req", "-new", "-config", path("openssl.cnf"), "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout", path("\(name).key"), "-out", path("\(name).csr"),
        ])
        let signer =
            switch leaf.signer {
            case .root: ["-cert", path("root.pem"), "-keyfile", path("root.key")]
            case .itself: ["-selfsign", "-keyfile", path("\(name).key")]
            case .anotherLeaf: ["-cert", path("other.pem"), "-keyfile", path("other.key")]
            }
        let now = UnixTime(seconds: SystemRuntime.shared.timeSince1970.components.seconds)
        try await OpenSSL.run(
            [
                "ca", "-batch", "-notext", "-config", path("openssl.cnf"), "-extensions", "extensions", "-startdate",
                Self.date(now + leaf.validity.begin), "-enddate", Self.date(now + leaf.validity.end), "-in",
                path("\(name).csr"), "-out", path("\(name).pem"),
            ] + signer)
    }

    /// ASN.1's GeneralizedTime.
    private static func date(_ time: UnixTime) -> String { time.description.filter(\.isNumber) + "Z" }
}
