public import Identity
public import Logging
public import MeshTransport
import MeshWire
public import ServiceLifecycle

/// Renews a process's certificate, with a new key each time, for as long as it runs.
///
/// New connections use the new certificate at once; the mesh replaces the old ones before it closes them.
public struct IdentityRenewal: Service {
    private let identity: RotatableIdentity
    private let mesh: Mesh
    private let client: MeshClient
    private let schedule: RenewalSchedule
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
        // Together: the new certificate may lead to a root that the old bundle does not have.
        try identity.adopt(bundle, svid: renewed)
        logger.info(
            "certificate renewed", metadata: ["identity": "\(renewed.spiffeID)", "until": "\(renewed.notAfter)"])
    }

    private func renewUntilCancelled() async {
        var failures = 0
        while !Task.isCancelled {
            let remaining = identity.current.svid.notAfter.since(mesh.runtime.unixTime)
            var generator = RuntimeRandomNumberGenerator(mesh.runtime)
            let wait = schedule.wait(
                remaining: remaining, failures: failures, chance: Double.random(in: 0..<1, using: &generator))
            guard (try? await mesh.runtime.sleep(for: wait)) != nil else { return }
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
}
