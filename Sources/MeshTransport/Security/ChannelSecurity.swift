import Identity
import MeshWire
import NIOCore
import NIOSSL

/// How one end of a channel proves who it is and judges the other end.
struct ChannelSecurity: Sendable {
    enum Role {
        case client(serverName: String?)
        case server
    }

    /// What makes the other end trustworthy.
    enum Trust {
        /// A chain to a root of the identity's own bundle.
        case bundle
        /// A chain to the one root that has this fingerprint: for a client that has no bundle yet.
        case pinnedRoot(SHA256Fingerprint)
        /// Nothing: the other end shows no certificate. For the join listener alone.
        case nothing
    }

    let role: Role
    /// Our own identity; `nil` for a client that joins to get one.
    let identity: (any IdentitySource)?
    let trust: Trust
    let expectation: PeerExpectation
    let applicationProtocols: [String]
    let verifier: PeerVerifier
    let runtime: any Runtime
    /// Our own identity as TLS takes it.
    var credentials = TLSCredentials()
    /// Whether there is a handshake at all.
    var transport = TransportSecurity.mutualTLS

    /// Sets up the handshake on a new channel; ``SecureChannelEvent`` follows when it is done.
    func install(on channel: any Channel) throws {
        let handshake = HandshakeState()
        let snapshot = identity?.current
        switch (transport, runtime.network.security) {
        case (.plaintext, _):
            try channel.pipeline.syncOperations.addHandler(PlaintextHandler())
        case (.mutualTLS, .tls):
            if case .server = role { try channel.pipeline.syncOperations.addHandler(ClientHelloHandler(handshake)) }
            try channel.pipeline.syncOperations.addHandlers([
                try tlsHandler(for: snapshot, handshake, on: channel.eventLoop),
                TLSCompletionHandler(handshake, requiresPeer: requiresPeer, own: snapshot),
            ])
        case (.mutualTLS, .simulated):
            try channel.pipeline.syncOperations.addHandler(
                SimulatedHandshakeHandler(security: self, snapshot: snapshot))
        }
    }

    /// Judges the chain that the other end has shown.
    func verify(_ chain: [[UInt8]], against snapshot: IdentitySnapshot?) async throws(MeshError) -> VerifiedPeer {
        let peer: VerifiedPeer
        do throws(IdentityError) {
            peer = try await verifier.verify(
                chain, against: try bundle(for: chain, snapshot), denying: snapshot?.denyList ?? .empty,
                now: runtime.unixTime)
        } catch {
            throw MeshError(
                .peerNotTrusted, error.message, progress: .notSent, peer: error.peer?.description, cause: error)
        }
        try expectation.check(peer)
        return peer
    }

    /// The verdict on a chain that has been judged before, without waiting.
    func remembered(_ chain: [[UInt8]], against snapshot: IdentitySnapshot?) throws(MeshError) -> VerifiedPeer? {
        guard case .bundle = trust, let snapshot,
            let peer = verifier.cachedPeer(
                chain, against: snapshot.bundle, denying: snapshot.denyList, now: runtime.unixTime)
        else { return nil }
        try expectation.check(peer)
        return peer
    }

    /// Whether the other end must prove who it is.
    var requiresPeer: Bool { transport == .mutualTLS && !isForJoining }

    /// Whether this is the join listener's, for those who have no certificate yet.
    var isForJoining: Bool {
        if case .nothing = trust { true } else { false }
    }

    private func bundle(for chain: [[UInt8]], _ snapshot: IdentitySnapshot?) throws(IdentityError) -> TrustBundle {
        switch trust {
        case .pinnedRoot(let fingerprint):
            return try TrustBundle(pinning: fingerprint, in: chain)
        case .bundle, .nothing:
            guard let snapshot else {
                throw IdentityError(.invalidTrustBundle, "this side has no trust bundle to judge the peer by")
            }
            return snapshot.bundle
        }
    }

    /// A TLS handler with a context of its own: a resumed session would skip the verifier, and tickets belong to one
    /// context. A fresh one is also how a rotated certificate reaches new connections.
    private func tlsHandler(
        for snapshot: IdentitySnapshot?, _ handshake: HandshakeState, on loop: any EventLoop
    ) throws -> NIOSSLHandler {
        let context = try NIOSSLContext(configuration: try tlsConfiguration(for: snapshot, handshake))
        let verify: NIOSSLCustomVerificationCallback = { chain, verdict in
            self.judge(chain, against: snapshot, handshake, verdict)
        }
        switch role {
        case .client(let serverName):
            return try NIOSSLClientHandler(
                context: context, serverHostname: serverName, customVerificationCallback: verify)
        case .server where requiresPeer:
            return NIOSSLServerHandler(context: context, customVerificationCallback: verify)
        case .server:
            return NIOSSLServerHandler(context: context)
        }
    }

    private func tlsConfiguration(
        for snapshot: IdentitySnapshot?, _ handshake: HandshakeState
    ) throws -> TLSConfiguration {
        var chain: [NIOSSLCertificateSource] = []
        var key: NIOSSLPrivateKeySource?
        if let snapshot {
            (chain, key) = try credentials.shown(snapshot)
            key =
                key
                ?? .privateKey(
                    NIOSSLPrivateKey(customPrivateKey: ExternalSigner(identity: snapshot.svid, handshake, runtime)))
        }
        var configuration: TLSConfiguration
        switch role {
        case .client:
            configuration = .makeClientConfiguration()
            configuration.certificateChain = chain
            configuration.privateKey = key
        case .server:
            guard let key else {
                throw MeshError(.invalidConfiguration, "a server needs an identity of its own")
            }
            configuration = .makeServerConfiguration(certificateChain: chain, privateKey: key)
        }
        // The names that clients of a public server ask for play no part: our verifier compares SPIFFE IDs.
        configuration.certificateVerification = requiresPeer ? .noHostnameVerification : .none
        configuration.trustRoots = .certificates([])
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        configuration.verifySignatureAlgorithms = Self.peerSignatures
        configuration.applicationProtocols = applicationProtocols
        configuration.renegotiationSupport = .none
        // A closed connection waits no longer for its peer's own goodbye: until then it reads, and throws away, whatever
        // the peer goes on sending.
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }

    /// The signatures that peers may prove their identity with, in our order. BoringSSL's own list lacks Ed25519 and has
    /// SHA-1.
    private static let peerSignatures: [SignatureAlgorithm] = [
        .ecdsaSecp256R1Sha256, .ed25519, .rsaPssRsaeSha256, .rsaPkcs1Sha256, .ecdsaSecp384R1Sha384, .rsaPssRsaeSha384,
        .rsaPkcs1Sha384, .rsaPssRsaeSha512, .rsaPkcs1Sha512,
    ]

    private func judge(
        _ chain: [NIOSSLCertificate], against snapshot: IdentitySnapshot?, _ handshake: HandshakeState,
        _ verdict: EventLoopPromise<NIOSSLVerificationResult>
    ) {
        do {
            let der = try chain.map { try $0.toDERBytes() }
            handshake.chain = der
            if let peer = try remembered(der, against: snapshot) {
                handshake.peer = peer
                return verdict.succeed(.certificateVerified)
            }
            let executor = runtime.loopExecutor(for: verdict.futureResult.eventLoop)
            // The handshake waits for the verdict; the task ends with it.
            runtime.spawn(on: executor) {
                do throws(MeshError) {
                    handshake.peer = try await verify(der, against: snapshot)
                    verdict.succeed(.certificateVerified)
                } catch {
                    handshake.failure = error
                    verdict.succeed(.failed)
                }
            }
        } catch {
            handshake.failure = error as? MeshError
            verdict.succeed(.failed)
        }
    }
}

extension MeshError {
    /// Whether it says that a deny list has the peer, and not that no root vouches for it.
    var isDenial: Bool { (cause as? IdentityError)?.code == .denied }
}

extension Runtime {
    /// Now, as certificates count time.
    var unixTime: UnixTime { UnixTime(seconds: timeSince1970.components.seconds) }
}

/// What was found out in a handshake, for the handler that waits for its end.
///
/// Sendable: written by the verifier and the reader of the hello and read by that handler, all on the channel's event loop.
final class HandshakeState: @unchecked Sendable {
    var chain: [[UInt8]] = []
    var peer: VerifiedPeer?
    var failure: MeshError?
    /// The application protocols that a client offers.
    var offeredProtocols: [String] = []
}
