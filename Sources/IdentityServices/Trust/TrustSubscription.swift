public import Identity
public import Logging
public import MeshTransport
import MeshWire
public import ServiceLifecycle

/// Keeps what a process trusts current: its domain's bundle and the deny list come from the mesh's authority, at once
/// and as they change, and are put in force in its ``RotatableIdentity``.
///
/// What is older than what is in force changes nothing. By what it asks for next, the process tells the authority what it
/// has, which waits for that before a new root issues. While the authority is away everything stays as it is.
///
/// The same for a federated domain, whose authority lets this process's identity call ``TrustService`` and is in turn
/// expected by the identities in `authority`. The host begins with a bundle of that domain; from then on it is kept
/// current, beside the process's own. The deny list of another domain is that one's own affair and is not followed.
/// ```swift
/// let partner = try TrustSubscription(to: partnerDomain, of: identity, on: mesh, authority: partnersAuthority)
/// ```
public struct TrustSubscription: Service {
    private let identity: RotatableIdentity
    private let domain: TrustDomain
    private let mesh: Mesh
    private let client: MeshClient
    private let configuration: TrustSubscriptionConfiguration
    private let logger: Logger

    /// - Parameters:
    ///   - domain: whose bundle is followed; `nil` for the identity's own domain, with its deny list.
    ///   - identity: what is kept current.
    ///   - mesh: the process's mesh.
    ///   - authority: where ``TrustService`` is served; whom it expects there is whom it believes.
    /// - Throws: `IdentityError` with code `invalidConfiguration`.
    public init(
        to domain: TrustDomain? = nil, of identity: RotatableIdentity, on mesh: Mesh, authority: Destination,
        configuration: TrustSubscriptionConfiguration = TrustSubscriptionConfiguration(),
        logger: Logger = Logger(label: "meshwork.trust")
    ) throws(IdentityError) {
        try configuration.validate()
        self.identity = identity
        self.domain = domain ?? identity.current.svid.spiffeID.trustDomain
        self.mesh = mesh
        client = mesh.client(authority)
        self.configuration = configuration
        self.logger = logger
    }

    /// Follows until the service group shuts down or the task is cancelled.
    public func run() async throws {
        await mesh.runtime.untilStopped { await follow() }
        client.close()
    }

    private func follow() async {
        var failures = 0
        while !Task.isCancelled {
            let start = mesh.runtime.now
            do {
                try await followOnce(for: configuration.callLifetime * (1 - configuration.jitter * chance()))
                failures = 0
            } catch {
                guard !Task.isCancelled else { return }
                // A call that had gone on ends as connections are replaced; only those that fail one after the other are
                // an outage, which is told once, however long it is.
                if start.duration(to: mesh.runtime.now) > configuration.longestWait { failures = 0 }
                failures += 1
                logger.log(
                    level: failures == 2 ? .warning : .debug, "what to trust is not followed; it stays as it was",
                    metadata: ["failures": "\(failures)", "error": "\(error)"])
                let wait = configuration.wait(after: failures, chance: chance())
                guard (try? await mesh.runtime.sleep(for: wait)) != nil else { return }
            }
        }
    }

    /// Makes one call, which ends at its deadline if nothing goes wrong.
    private func followOnce(for lifetime: Duration) async throws {
        do {
            try await client.call(TrustService.follow, timeout: lifetime) { requests, updates in
                try await requests.send(TrustRequest(having: identity.current, of: domain))
                for try await update in updates {
                    try Self.adopt(update, of: domain, in: identity)
                    tell()
                    try await requests.send(TrustRequest(having: identity.current, of: domain))
                }
            }
            throw MeshError(.connectionLost, "the authority ended the call")
        } catch let error as MeshError where error.code == .deadlineExceeded || error.status == .deadlineExceeded {
            // A call that never left says that the authority is not there.
            guard error.progress != .notSent else { throw error }
        }
    }

    /// Puts an update in force. Of its two halves one that is wrong does not hold the other back.
    static func adopt(
        _ update: TrustUpdate, of domain: TrustDomain, in identity: RotatableIdentity
    ) throws(IdentityError) {
        guard update.trustDomain == domain.name else {
            throw IdentityError(
                .invalidTrustBundle, "expected the bundle of \(domain), the authority sent one of another domain")
        }
        var problem: IdentityError?
        do throws(IdentityError) {
            // An authority of another domain has no say in whom this one denies.
            let isOwn = domain == identity.current.svid.spiffeID.trustDomain
            if isOwn, !update.denyList.isEmpty { identity.set(denyList: try DenyList(encoded: update.denyList)) }
        } catch {
            problem = error
        }
        if !update.document.isEmpty {
            // A federation that the host has ended stays so.
            guard identity.current.bundle[domain] != nil else {
                throw IdentityError(
                    .unknownTrustDomain, "expected a bundle of \(domain) in force to follow, found none")
            }
            try identity.adopt(try TrustDomainBundle(document: update.document, of: domain))
        }
        if let problem { throw problem }
    }

    private func tell() {
        logger.info(
            "what to trust has changed",
            metadata: [
                "domain": "\(domain)",
                "bundle": "\(identity.current.bundle[domain]?.sequence ?? 0)",
                "roots": "\(identity.current.bundle.roots(of: domain).count)",
                "denyList": "\(identity.current.denyList.version)",
            ])
    }

    private func chance() -> Double {
        var generator = RuntimeRandomNumberGenerator(mesh.runtime)
        return Double.random(in: 0..<1, using: &generator)
    }
}
