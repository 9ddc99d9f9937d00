public import Identity
public import Logging
public import MeshTransport
public import MeshWire

/// Gets a process its first identity.
public enum JoinClient {
    /// Joins at a TCP listener: ``join(with:at:expecting:key:timeout:runtime:logger:)`` with a name or address and a port.
    public static func join(
        with token: JoinToken, host: String, port: Int, expecting server: IdentityPattern? = nil,
        key: KeyAlgorithm = .p256, timeout: Duration = .seconds(30),
        runtime: any Runtime = SystemRuntime.shared, logger: Logger = Logger(label: "meshwork.join")
    ) async throws -> RotatableIdentity {
        try await join(
            with: token, at: .tcp(host: host, port: port), expecting: server, key: key, timeout: timeout,
            runtime: runtime, logger: logger)
    }

    /// Makes a key, proves with `token` who this process is to become, and returns its identity.
    ///
    /// The server is trusted because its chain holds the root that the token names. The key never leaves this process.
    ///
    /// - Parameters:
    ///   - token: a one-time token of the mesh's authority.
    ///   - endpoint: where the authority's join listener is.
    ///   - server: who must answer there. By default anybody whom the root vouches for, and so any workload of the mesh
    ///     that can put itself in the authority's place on the network: name the authority where it is known.
    ///   - key: the kind of key that is made, and that renewals keep. Default P-256, which every TLS library reads.
    ///   - timeout: how long it may take in all. Default 30 s.
    /// - Throws: `MeshError` with code `peerNotTrusted` when the server's root is not the token's, or it is not the
    ///   one that is expected; `status` with
    ///   `permissionDenied` when the token is unknown, expired or used; `IdentityError` when the certificate that came
    ///   back is not for this key, or does not lead to the bundle that came with it.
    public static func join(
        with token: JoinToken, at endpoint: Endpoint, expecting server: IdentityPattern? = nil,
        key: KeyAlgorithm = .p256, timeout: Duration = .seconds(30),
        runtime: any Runtime = SystemRuntime.shared, logger: Logger = Logger(label: "meshwork.join")
    ) async throws -> RotatableIdentity {
        try await join(
            showing: token.secret, to: JoinTokenAttestor.tokenKind, at: endpoint, root: token.rootFingerprint,
            expecting: server, key: key, timeout: timeout, runtime: runtime, logger: logger)
    }

    /// Makes a key, shows `evidence` of who this process is, and returns its identity: for other attestors than tokens.
    ///
    /// - Parameters:
    ///   - evidence: what the attestor is shown, up to 32 KiB.
    ///   - attestor: its ``/Identity/Attestor/kind``.
    ///   - endpoint: where the authority's join listener is.
    ///   - root: the root that the server's chain must hold, known from elsewhere.
    ///   - server: who must answer there, as for a token.
    /// - Throws: as for a token.
    public static func join(
        showing evidence: [UInt8], to attestor: String, at endpoint: Endpoint, root: SHA256Fingerprint,
        expecting server: IdentityPattern? = nil, key: KeyAlgorithm = .p256, timeout: Duration = .seconds(30),
        runtime: any Runtime = SystemRuntime.shared, logger: Logger = Logger(label: "meshwork.join")
    ) async throws -> RotatableIdentity {
        let client = try JoinEndpoint.client(
            at: endpoint, root: root, server: server, timeout: timeout, runtime: runtime, logger: logger)
        defer { client.close() }
        let request = try CertificateRequest(key)
        let issued = try await client.call(
            JoinService.join,
            JoinRequest(evidence: evidence, certificateRequest: request.der, attestor: attestor), timeout: timeout)
        let bundle = try issued.bundle()
        guard bundle.roots.contains(where: { SHA256Fingerprint(of: $0) == root }) else {
            throw IdentityError(.rootNotPinned, "the authority's bundle lacks the root that was expected")
        }
        let svid = try request.identity(chain: issued.chain)
        let trust = try TrustBundle([bundle], generation: 1)
        _ = try await PeerVerifier(verifyingOnce: ()).verify(svid.chain, against: trust, now: runtime.unixTime)
        return RotatableIdentity(svid: svid, bundle: trust)
    }
}
