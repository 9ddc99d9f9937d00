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

/// A token's secret and the certificate request of whoever holds it.
struct JoinRequest: MeshMessage {
    static let messageName = "meshwork.identity.JoinRequest"

    var secret: [UInt8]
    var certificateRequest: [UInt8]

    init(secret: [UInt8], certificateRequest: [UInt8]) {
        self.secret = secret
        self.certificateRequest = certificateRequest
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(secret: [], certificateRequest: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: secret = try decoder.bytes()
            case 2: certificateRequest = try decoder.bytes()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.bytes(1, secret)
        encoder.bytes(2, certificateRequest)
    }
}

/// The certificate request of a workload whose connection says who it is.
struct RenewalRequest: MeshMessage {
    static let messageName = "meshwork.identity.RenewalRequest"

    var certificateRequest: [UInt8]

    init(certificateRequest: [UInt8]) { self.certificateRequest = certificateRequest }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(certificateRequest: [])
        while let field = try decoder.nextField() {
            if field == 1 { certificateRequest = try decoder.bytes() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.bytes(1, certificateRequest) }
}

/// A certificate chain and the roots to trust.
struct IssuedIdentity: MeshMessage {
    static let messageName = "meshwork.identity.IssuedIdentity"

    var chain: [[UInt8]]
    var trustDomain: String
    var roots: [[UInt8]]
    var bundleGeneration: UInt64

    init(chain: [[UInt8]], trustDomain: String, roots: [[UInt8]], bundleGeneration: UInt64) {
        self.chain = chain
        self.trustDomain = trustDomain
        self.roots = roots
        self.bundleGeneration = bundleGeneration
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(chain: [], trustDomain: "", roots: [], bundleGeneration: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: chain.append(try decoder.bytes())
            case 2: trustDomain = try decoder.string()
            case 3: roots.append(try decoder.bytes())
            case 4: bundleGeneration = try decoder.uint64()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for certificate in chain { encoder.repeatedBytes(1, certificate) }
        encoder.string(2, trustDomain)
        for root in roots { encoder.repeatedBytes(3, root) }
        encoder.uint64(4, bundleGeneration)
    }

    /// The bundle that the authority wants trusted.
    func bundle() throws(IdentityError) -> TrustBundle {
        try TrustBundle([try TrustDomain(parsing: trustDomain): roots], generation: bundleGeneration)
    }
}
