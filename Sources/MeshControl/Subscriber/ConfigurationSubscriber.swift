import Identity
import Logging
import MeshConfigurationFile
public import MeshTransport
import MeshWire
public import ServiceLifecycle
import Synchronization

/// Keeps a mesh at what a control server publishes.
///
/// ```swift
/// let subscriber = try ConfigurationSubscriber(of: Destination(service: "control.shop"), on: mesh)
/// let group = ServiceGroup(services: [mesh, subscriber], logger: logger)
/// ```
/// A version that is wrong, or that this mesh cannot go by, changes nothing: the server is told why. While no server can be
/// reached the last good one stays in force. What a version does not say is as the mesh had it when this was made.
///
/// The calls to the server are calls of the mesh: its routes hold for them, so that a version with a route for every
/// service is for the server's, too.
///
/// Guarded by a mutex.
public final class ConfigurationSubscriber: Service {
    /// What metrics and logs call this way of configuration.
    private static let source = "control"
    /// How long a stream holds that counts as a success.
    private static let lasting = Duration.seconds(10)

    private let mesh: Mesh
    private let client: MeshClient
    private let server: Destination
    private let base: DynamicConfiguration
    private let configuration: SubscriptionConfiguration
    private let state = Mutex(SubscriberState())

    /// Makes it; nothing is followed yet.
    ///
    /// - Parameters:
    ///   - server: where ``ControlService`` is served.
    ///   - mesh: which goes by what is published.
    /// - Throws: `MeshError` with code `invalidConfiguration`.
    public init(
        of server: Destination, on mesh: Mesh,
        configuration: SubscriptionConfiguration = SubscriptionConfiguration()
    ) throws(MeshError) {
        try configuration.validate()
        self.mesh = mesh
        self.server = server
        self.configuration = configuration
        client = mesh.client(server)
        base = mesh.dynamicConfiguration
    }

    /// Why the last version that was published is not in force; `nil` if it is.
    public var refusal: String? {
        let reason = state.withLock { $0.reason }
        return reason.isEmpty ? nil : reason
    }

    /// Follows until the service group shuts down or the task is cancelled.
    public func run() async throws {
        await mesh.runtime.untilStopped { await self.followUntilCancelled() }
        client.close()
    }

    private func followUntilCancelled() async {
        var generator = SplitMix64(seed: mesh.runtime.randomBits())
        var failures = 0
        while !Task.isCancelled {
            let start = mesh.runtime.now
            var reason = "the server has ended the stream"
            do {
                try await follow()
            } catch {
                reason = "\(error)"
            }
            guard !Task.isCancelled else { return }
            let lasted = start.duration(to: mesh.runtime.now)
            // It was to end then.
            if lasted >= configuration.lifetime {
                failures = 0
                continue
            }
            failures = lasted >= Self.lasting ? 1 : failures + 1
            mesh.logger.warning(
                "configuration is not followed, the last good one stays in force",
                metadata: ["server": "\(server)", "error": "\(reason)"])
            let pause = configuration.backoff.pause(after: failures, chance: generator.nextUnit())
            guard (try? await mesh.runtime.sleep(for: pause)) != nil else { return }
        }
    }

    /// One stream, to its end.
    private func follow() async throws {
        try await client.call(ControlService.follow, timeout: configuration.lifetime) { states, pushes in
            try await states.send(state.withLock { $0 })
            for try await push in pushes {
                take(push.document)
                try await states.send(state.withLock { $0 })
            }
        }
    }

    /// Goes by a document, or notes why not.
    private func take(_ document: [UInt8]) {
        let digest = Array(SHA256Fingerprint(of: document).bytes)
        do throws(ConfigurationFileError) {
            let next = try DynamicConfiguration(yaml: document, file: "\(server)", over: base)
            do throws(MeshError) {
                try mesh.apply(next, from: Self.source)
                state.withLock { state in
                    state = SubscriberState()
                    state.inForce = digest
                }
            } catch {
                refuse(digest, error.message)
            }
        } catch {
            mesh.configurationMetrics.rejected(Self.source)
            refuse(digest, "\(error)")
        }
    }

    private func refuse(_ digest: [UInt8], _ reason: String) {
        state.withLock { state in
            state.refused = digest
            state.reason = String(reason.prefix(SubscriberState.longestReason))
        }
        mesh.logger.warning(
            "published configuration is not taken, the last good one stays in force",
            metadata: ["server": "\(server)", "error": "\(reason)"])
    }
}
