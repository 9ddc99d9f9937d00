import Identity
public import MeshTransport
import MeshWire

/// Tells workloads what to trust and what not to, as it changes.
public enum TrustService: MeshService {
    /// `meshwork.identity.Trust`, which a policy names to let workloads follow.
    public static let name: ServiceName = "meshwork.identity.Trust"
    /// Each request says what its caller has; one response follows, when there is something newer.
    static let follow = bidirectional("Follow", TrustRequest.self, TrustUpdate.self)
}

/// What a workload has in force: it acknowledges that, and asks for what is newer.
struct TrustRequest: MeshMessage, Hashable {
    static let messageName = "meshwork.identity.TrustRequest"

    /// Of the leaf in use.
    var serialNumber: [UInt8]
    var bundleSequence: UInt64
    var denyListVersion: UInt64

    init(serialNumber: [UInt8], bundleSequence: UInt64, denyListVersion: UInt64) {
        self.serialNumber = serialNumber
        self.bundleSequence = bundleSequence
        self.denyListVersion = denyListVersion
    }

    /// - Parameter domain: whose bundle is followed; of another domain than the workload's own no deny list is.
    init(having snapshot: IdentitySnapshot, of domain: TrustDomain) {
        let isOwn = domain == snapshot.svid.spiffeID.trustDomain
        self.init(
            serialNumber: snapshot.svid.serialNumber, bundleSequence: snapshot.bundle[domain]?.sequence ?? 0,
            denyListVersion: isOwn ? snapshot.denyList.version : 0)
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(serialNumber: [], bundleSequence: 0, denyListVersion: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: serialNumber = try decoder.bytes()
            case 2: bundleSequence = try decoder.uint64()
            case 3: denyListVersion = try decoder.uint64()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.bytes(1, serialNumber)
        encoder.uint64(2, bundleSequence)
        encoder.uint64(3, denyListVersion)
    }
}

/// What is newer than what a workload has; what is not, is empty.
struct TrustUpdate: MeshMessage, Hashable {
    static let messageName = "meshwork.identity.TrustUpdate"

    var trustDomain: String
    /// The domain's bundle, as SPIFFE publishes it.
    var document: [UInt8]
    /// ``DenyList/encoded``.
    var denyList: [UInt8]

    init(trustDomain: String, document: [UInt8] = [], denyList: [UInt8] = []) {
        self.trustDomain = trustDomain
        self.document = document
        self.denyList = denyList
    }

    /// What of `trust` is newer than what `request` says; nil where nothing is.
    init?(_ trust: TrustFeed.Trust, after request: TrustRequest) {
        self.init(trustDomain: trust.bundle.trustDomain.name)
        if (trust.bundle.sequence ?? 0) > request.bundleSequence { document = trust.document }
        if trust.denyList.version > request.denyListVersion { denyList = trust.encodedDenyList }
        guard !document.isEmpty || !denyList.isEmpty else { return nil }
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(trustDomain: "")
        while let field = try decoder.nextField() {
            switch field {
            case 1: trustDomain = try decoder.string()
            case 2: document = try decoder.bytes()
            // A list of 65,536 entries is no head of a message.
            case 3: denyList = try decoder.segment().copiedBytes
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, trustDomain)
        encoder.bytes(2, document)
        if !denyList.isEmpty { encoder.segment(3, Segment(copying: denyList)) }
    }
}

extension Segment {
    fileprivate var copiedBytes: [UInt8] {
        // The closure copies; it keeps no pointer.
        unsafe withUnsafeBytes { bytes in unsafe Array(bytes) }
    }
}
