import Identity
public import MeshTransport
import MeshWire

/// Gives a first certificate to whoever shows a one-time token; on the join listener alone.
enum JoinService: MeshService {
    static let name: ServiceName = "meshwork.identity.Join"
    // A token is used up by its first use, so a lost answer cannot be asked for again.
    static let join = unary("Join", JoinRequest.self, IssuedIdentity.self, retry: .never)
}

/// Renews certificates of workloads that already prove who they are.
public enum IssuanceService: MeshService {
    /// `meshwork.identity.Issuance`, which a policy names to let workloads renew.
    public static let name: ServiceName = "meshwork.identity.Issuance"
    static let renew = unary("Renew", RenewalRequest.self, IssuedIdentity.self, retry: .idempotent)
}

/// Evidence of who somebody is, such as a token's secret, and a certificate request.
struct JoinRequest: MeshMessage {
    static let messageName = "meshwork.identity.JoinRequest"

    /// What the attestor of ``attestor`` is shown.
    var evidence: [UInt8]
    var certificateRequest: [UInt8]
    /// Who is to judge it: ``Attestor/kind``.
    var attestor: String

    init(evidence: [UInt8], certificateRequest: [UInt8], attestor: String) {
        self.evidence = evidence
        self.certificateRequest = certificateRequest
        self.attestor = attestor
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(evidence: [], certificateRequest: [], attestor: "")
        while let field = try decoder.nextField() {
            switch field {
            case 1: evidence = try decoder.bytes()
            case 2: certificateRequest = try decoder.bytes()
            case 3: attestor = try decoder.string()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.bytes(1, evidence)
        encoder.bytes(2, certificateRequest)
        encoder.string(3, attestor)
    }
}

/// The certificate request of a workload whose connection says who it is, and what it has now.
struct RenewalRequest: MeshMessage {
    static let messageName = "meshwork.identity.RenewalRequest"

    var certificateRequest: [UInt8]
    /// Of the leaf that is to be replaced.
    var serialNumber: [UInt8]
    /// Of the bundle in force.
    var bundleSequence: UInt64

    init(certificateRequest: [UInt8], serialNumber: [UInt8], bundleSequence: UInt64) {
        self.certificateRequest = certificateRequest
        self.serialNumber = serialNumber
        self.bundleSequence = bundleSequence
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(certificateRequest: [], serialNumber: [], bundleSequence: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: certificateRequest = try decoder.bytes()
            case 2: serialNumber = try decoder.bytes()
            case 3: bundleSequence = try decoder.uint64()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.bytes(1, certificateRequest)
        encoder.bytes(2, serialNumber)
        encoder.uint64(3, bundleSequence)
    }
}

/// A certificate chain and what to trust.
struct IssuedIdentity: MeshMessage {
    static let messageName = "meshwork.identity.IssuedIdentity"

    var chain: [[UInt8]]
    var trustDomain: String
    /// The domain's bundle, as SPIFFE publishes it.
    var document: [UInt8]

    init(chain: [[UInt8]], trustDomain: String, document: [UInt8]) {
        self.chain = chain
        self.trustDomain = trustDomain
        self.document = document
    }

    // 3 and 4 were the roots alone, and their generation.
    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(chain: [], trustDomain: "", document: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: chain.append(try decoder.bytes())
            case 2: trustDomain = try decoder.string()
            case 5: document = try decoder.bytes()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for certificate in chain { encoder.repeatedBytes(1, certificate) }
        encoder.string(2, trustDomain)
        encoder.bytes(5, document)
    }

    /// The bundle that the authority wants trusted.
    func bundle() throws(IdentityError) -> TrustDomainBundle {
        try TrustDomainBundle(document: document, of: try TrustDomain(parsing: trustDomain))
    }
}
