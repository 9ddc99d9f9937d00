public import Identity
import NIOCore

/// Who is at the other end of a connection, and how that is known.
public struct ConnectionInfo: Sendable, Hashable {
    /// The identity that the peer proved; `nil` only where callers without one are taken.
    public var peer: SPIFFEID?
    /// The protocol version: `TLSv1.3`, `simulated` in a simulation, or `plaintext` where the host asked for it.
    public var tlsVersion: String
    /// The peer's address; of a Unix domain socket, whose callers have none, the listener's.
    public var remoteAddress: String
    /// The same as bytes, without the port; `nil` of a Unix domain socket, and in a simulation.
    public var address: IPAddress?
    /// What the peer's chain says, with the time of its issue.
    package var verified: VerifiedPeer?
}

/// What a handshake has established.
struct SecureChannel: Sendable {
    var peer: VerifiedPeer?
    /// The certificates that the peer has shown.
    var chain: [[UInt8]]
    /// What the peer was judged by.
    var basis: TrustBasis
    var applicationProtocol: String?
    /// The protocols that a client offered, of which the handshake may have agreed on one.
    var offeredProtocols: [String] = []
    var tlsVersion: String
    /// When the first of the certificates that were shown ends.
    var notAfter: UnixTime?

    /// - Parameter own: our own identity, as it was shown.
    init(
        peer: VerifiedPeer?, chain: [[UInt8]], own: IdentitySnapshot?, applicationProtocol: String?, tlsVersion: String
    ) {
        self.peer = peer
        self.chain = chain
        basis = TrustBasis(own)
        self.applicationProtocol = applicationProtocol
        self.tlsVersion = tlsVersion
        notAfter = [peer?.notAfter, own?.svid.notAfter].compactMap { $0 }.min()
    }

    /// Whether the deny list in force has the peer, whatever else there is against it now.
    func isDenied(by snapshot: IdentitySnapshot?) -> Bool {
        peer.map { snapshot?.denyList.entry(denying: $0) != nil } ?? false
    }
}

/// What a peer is judged by: a change of it has the peers of open connections judged again.
struct TrustBasis: Sendable, Equatable {
    private let bundle: TrustBundle?
    private let denyList: DenyList?

    init(_ snapshot: IdentitySnapshot?) {
        bundle = snapshot?.bundle
        denyList = snapshot?.denyList
    }
}

/// Fired down a channel's pipeline once both ends know each other, before the first application byte.
enum SecureChannelEvent: Sendable {
    case established(SecureChannel)
}

/// What one side asks of the other in a handshake.
struct PeerExpectation: Sendable {
    /// Whom a client expects at the other end. A server takes everyone who is trusted and lets policy decide.
    var identities: [IdentityPattern]?

    /// A server's: anybody whom the bundle trusts.
    static let anyTrusted = PeerExpectation(identities: nil)

    func check(_ peer: VerifiedPeer) throws(MeshError) {
        guard let identities, !identities.contains(where: { $0.matches(peer.spiffeID) }) else { return }
        let expected = identities.map(\.description).joined(separator: ", ")
        throw MeshError(
            .peerNotTrusted, "expected \(expected), the server proves \(peer.spiffeID)", progress: .notSent,
            peer: peer.spiffeID.description)
    }
}

/// The application protocols that connections choose between.
enum ApplicationProtocol {
    static let mesh = "meshwork/1"
    static let join = "meshwork-join/1"
    static let http = "http/1.1"
}
