public import Identity
public import Logging
public import MeshTransport
import MeshWire
public import ServiceLifecycle

/// Renews a process's certificate, with a new key each time, for as long as it runs.
///
/// New connections use the new certificate at once; the mesh replaces the old ones before it closes them.
///
/// When another root issues, which the order of the bundle's roots says, the certificate is renewed soon: its root may be
/// dropped before it ends.
public struct IdentityRenewal: Service {
    private let identity: RotatableIdentity
    private let mesh: Mesh
    private let client: MeshClient
    private let schedule: RenewalSchedule
    private let verifier: PeerVerifier
    /// How often is looked whether another root issues.
    private static let look = Duration.seconds(10)
    private let logger: Logger

    /// - Parameters:
    ///   - identity: what is renewed. Its key is in memory: who holds a key elsewhere renews its certificate as well.
    ///   - mesh: the process's mesh, which proves the old identity to get the new one.
    ///   - authority: where ``IssuanceService`` is served.
    /// - Throws: `IdentityError` with code `invalidConfiguration`.
    public init(
        of identity: RotatableIdentity, on mesh: Mesh, authority: Destination,
        configuration: RenewalConfiguration = RenewalConfiguration(),
        logger: Logger = Logger(label: "meshwork.renewal")
    ) throws(IdentityError) {
        try configuration.validate()
        guard !identity.current.svid.hasExternalKey else {
            throw IdentityError(
                .invalidConfiguration, "expected an identity whose key is in memory, found one whose key is elsewhere",
                peer: identity.current.svid.spiffeID)
        }
        self.identity = identity
        self.mesh = mesh
        client = mesh.client(authority)
        schedule = RenewalSchedule(configuration: configuration)
        verifier = try PeerVerifier(verifyingOnce: ())
        self.logger = logger
    }

    /// Renews until the service group shuts down or the task is cancelled.
    public func run() async throws {
        await mesh.runtime.untilStopped { await renewUntilCancelled() }
        client.close()
    }

    /// Renews now.
    ///
    /// - Throws: `MeshError` when the authority cannot be asked or refuses; `IdentityError` when its answer does not
    ///   fit. The old certificate stays in use.
    public func renew() async throws {
        let having = identity.current
        let current = having.svid
        let request = try CertificateRequest(current.keyAlgorithm)
        let issued = try await client.call(
            IssuanceService.renew,
            RenewalRequest(
                certificateRequest: request.der, serialNumber: current.serialNumber,
                bundleSequence: having.bundle[current.spiffeID.trustDomain]?.sequence ?? 0))
        let renewed = try request.identity(chain: issued.chain)
        guard renewed.spiffeID == current.spiffeID else {
            throw IdentityError(
                .notAnSVID,
                "expected a certificate for \(current.spiffeID), the authority sent one for \(renewed.spiffeID)",
                peer: renewed.spiffeID)
        }
        let bundle = try issued.bundle()
        guard bundle.trustDomain == current.spiffeID.trustDomain else {
            throw IdentityError(
                .invalidTrustBundle,
                "expected the bundle of \(current.spiffeID.trustDomain), the authority sent one of \(bundle.trustDomain)"
            )
        }
        // One that nobody would take must not take the place of one that is good.
        _ = try await verifier.verify(
            renewed.chain, against: try having.bundle.adopting(bundle) ?? having.bundle, denying: having.denyList,
            now: mesh.runtime.unixTime)
        // Together: the new certificate may lead to a root that the old bundle does not have.
        try identity.adopt(bundle, svid: renewed)
        logger.info(
            "certificate renewed", metadata: ["identity": "\(renewed.spiffeID)", "until": "\(renewed.notAfter)"])
    }

    private func renewUntilCancelled() async {
        var failures = 0
        var watch = RootWatch()
        while !Task.isCancelled {
            let remaining = identity.current.svid.notAfter.since(mesh.runtime.unixTime)
            var generator = RuntimeRandomNumberGenerator(mesh.runtime)
            let wait = schedule.wait(
                remaining: remaining, failures: failures, chance: Double.random(in: 0..<1, using: &generator))
            guard await isDue(in: wait, &watch) else { return }
            do {
                try await renew()
                failures = 0
            } catch {
                failures += 1
                logger.warning(
                    "certificate not renewed; the old one stays in use",
                    metadata: ["until": "\(identity.current.svid.notAfter)", "error": "\(error)"])
            }
        }
    }
    /// What was looked at of the roots.
    private struct RootWatch {
        /// The generation of the identity that was looked at last.
        var generation: UInt64 = 0
        /// The bundle on whose account the certificate was renewed soon.
        var sequence: UInt64?
    }

    /// Waits for the time of the next renewal, or for a while after another root has begun to issue.
    ///
    /// - Returns: false when the task was cancelled.
    private func isDue(in wait: Duration, _ watch: inout RootWatch) async -> Bool {
        var left = wait
        while left > .zero {
            let step = min(left, Self.look)
            guard (try? await mesh.runtime.sleep(for: step)) != nil else { return false }
            left -= step
            let current = identity.current
            guard current.generation != watch.generation else { continue }
            watch.generation = current.generation
            let sequence = current.bundle[current.svid.spiffeID.trustDomain]?.sequence
            guard sequence != watch.sequence, await isBelowOldRoot(current) else { continue }
            watch.sequence = sequence
            var generator = RuntimeRandomNumberGenerator(mesh.runtime)
            left = min(left, schedule.configuration.rootChangeSpread * Double.random(in: 0..<1, using: &generator))
            logger.info("another root issues; the certificate is renewed soon", metadata: ["wait": "\(left)"])
        }
        return true
    }

    /// Whether the certificate leads to another root than the bundle's first, which is the one that issues.
    private func isBelowOldRoot(_ current: IdentitySnapshot) async -> Bool {
        let domain = current.svid.spiffeID.trustDomain
        let roots = current.bundle.roots(of: domain)
        guard roots.count > 1 else { return false }
        do throws(IdentityError) {
            let first = try TrustBundle([TrustDomainBundle(domain, roots: [roots[0]])], generation: 0)
            _ = try await verifier.verify(current.svid.chain, against: first, now: mesh.runtime.unixTime)
            return false
        } catch {
            return error.code == .untrustedIssuer
        }
    }
}
