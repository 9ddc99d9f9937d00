import SwiftASN1
import Testing

@testable import Identity

/// Identities and bundles of files' contents, as other programs write them.
@Suite struct CredentialFileTests {
    private struct Material {
        let svid: WorkloadIdentity
        let root: [UInt8]
        let bundle: TrustDomainBundle
        var chain: String { svid.chainPEM }
        var key: String { svid.withPrivateKeyPEM { $0 } }

        init(_ key: KeyAlgorithm = .p256) throws {
            var generator = SeededGenerator(seed: 21)
            let authority = try RootAuthorityTests.root().makeAuthority(now: RootAuthorityTests.now, using: &generator)
            svid = try authority.makeIdentity(
                for: CertificateAuthorityTests.worker(), key: key, now: RootAuthorityTests.now, using: &generator)
            root = authority.rootCertificate
            bundle = try TrustDomainBundle(exampleDomain(), roots: [root])
        }
    }

    private static func read(_ certificates: String, _ key: String) throws -> WorkloadIdentity {
        try WorkloadIdentity(certificateFile: Array(certificates.utf8), keyFile: Array(key.utf8))
    }

    private static func code(_ body: () throws -> Void) -> IdentityError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? IdentityError)?.code
        }
    }

    @Test("chain and key in PEM, apart, in one file, or with text and other blocks around", arguments: 0..<4)
    func pem(form: Int) throws {
        for algorithm in [KeyAlgorithm.p256, .ed25519] {
            let material = try Material(algorithm)
            let both = material.key + material.chain
            let noise =
                "Bag Attributes\n    friendlyName: x\n"
                + PEMDocument(type: "EC PARAMETERS", derBytes: [6, 1, 1]).pemString + "\n"
            let files = [
                (material.chain, material.key), (both, both), (noise + material.chain, noise + material.key),
                (material.chain.replacing("\n", with: "\r\n"), material.key.replacing("\n", with: "\r\n")),
            ][form]
            let read = try Self.read(files.0, files.1)
            #expect(read.chain == material.svid.chain)
            #expect(read.withPrivateKeyPEM { $0 } == material.key)
        }
    }

    @Test("a leaf and its key in DER")
    func der() throws {
        for algorithm in [KeyAlgorithm.p256, .ed25519] {
            let material = try Material(algorithm)
            let read = try WorkloadIdentity(
                certificateFile: material.svid.chain[0], keyFile: material.svid.withPrivateKeyDER { $0 })
            #expect(read.chain == [material.svid.chain[0]])
        }
    }

    @Test("roots in PEM, one in DER, and a bundle's document are read as the same")
    func roots() throws {
        let material = try Material()
        for file in [Array(material.bundle.pem.utf8), material.root, Array("\n ".utf8) + material.bundle.document] {
            #expect(try TrustDomainBundle(file: file, of: exampleDomain()).roots == [material.root])
        }
    }

    @Test("a file that is cut off anywhere is not taken for a whole one, and no error repeats a key")
    func cutOff() throws {
        let material = try Material()
        let (chain, key) = (Array(material.chain.utf8), Array(material.key.utf8))
        let secret = material.key.split(separator: "\n")[1]
        for count in stride(from: 0, to: key.count - 1, by: 7) {
            #expect(throws: IdentityError.self) {
                try WorkloadIdentity(certificateFile: chain, keyFile: Array(key.prefix(count)))
            }
        }
        do {
            _ = try WorkloadIdentity(certificateFile: key, keyFile: key)
            Issue.record("a key was taken for a certificate")
        } catch {
            #expect(!"\(error)".contains(secret))
        }
        for count in stride(from: 0, to: chain.count - 1, by: 13) {
            // What is cut off between two certificates is found out by whoever verifies the chain.
            let read = try? WorkloadIdentity(certificateFile: Array(chain.prefix(count)), keyFile: key)
            #expect(read == nil || read?.chain == [material.svid.chain[0]])
        }
    }

    @Test("what does not fit is refused by its own code")
    func refused() throws {
        let (material, other) = (try Material(), try Material())
        #expect(Self.code { _ = try Self.read(material.chain, other.key) } == .keyMismatch)
        #expect(Self.code { _ = try Self.read(material.chain, material.chain) } == .keyMismatch)
        #expect(Self.code { _ = try Self.read(material.chain, material.key + other.key) } == .keyMismatch)
        #expect(Self.code { _ = try Self.read(material.key, material.key) } == .malformedCertificate)
        let encrypted = PEMDocument(type: "ENCRYPTED PRIVATE KEY", derBytes: [0x30, 0]).pemString
        #expect(Self.code { _ = try Self.read(material.chain, encrypted) } == .keyMismatch)
        let large = String(repeating: "x", count: CredentialFile.maximumBytes + 1)
        #expect(Self.code { _ = try Self.read(large, material.key) } == .malformedCertificate)
        #expect(
            Self.code { _ = try TrustDomainBundle(file: [], of: exampleDomain()) } == .malformedCertificate)
    }
}
