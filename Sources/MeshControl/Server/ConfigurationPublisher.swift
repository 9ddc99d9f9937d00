import Identity
public import Logging
public import MeshConfigurationFile
public import MeshTransport
import MeshWire
import Synchronization
public import Telemetry

/// Pushes versions of a configuration to those who follow, and knows who goes by which.
///
/// ```swift
/// let publisher = ConfigurationPublisher()
/// publisher.register(on: mesh)                     // the mesh's policy says who may follow: meshwork.Control/Follow
/// try publisher.publish(yaml)                      // throws if the document is wrong
/// for subscriber in publisher.subscribers { print(subscriber.identity, subscriber.refusal?.reason ?? "follows") }
/// ```
/// A document is what a configuration file is. Nothing is kept on disk: a host that restarts publishes again, and who
/// goes by the document already is not sent it.
///
/// Guarded by a mutex.
public final class ConfigurationPublisher: Sendable {
    private struct Following {
        var subscriber: ControlSubscriber
        let news: AsyncStream<ConfigurationVersion>.Continuation
    }

    private struct State {
        var current: ConfigurationVersion?
        var followings: [UInt64: Following] = [:]
        var last: UInt64 = 0
    }

    private let logger: Logger
    private let mostSubscribers: Int
    private let pushes: Counter
    private let refusals: Counter
    private let gauge: Gauge
    private let state = Mutex(State())

    /// Makes a publisher that has published nothing.
    ///
    /// - Parameters:
    ///   - subscribers: how many may follow at a time. Default 10,000.
    ///   - metrics: the mesh's, as a rule.
    public init(
        subscribers: Int = 10_000, metrics: MetricsRegistry = MetricsRegistry(),
        logger: Logger = Logger(label: "meshwork.control")
    ) {
        mostSubscribers = subscribers
        self.logger = logger
        pushes = metrics.counter(
            "mesh_control_pushes_total", help: "Versions of the configuration that were sent to a subscriber."
        ).series([])
        refusals = metrics.counter(
            "mesh_control_refusals_total", help: "Versions of the configuration that a subscriber did not take."
        ).series([])
        gauge = metrics.gauge("mesh_control_subscribers", help: "Who follows the configuration now.").series([])
    }

    /// Serves subscribers on `mesh`, whose policy says who may call ``ControlService``.
    public func register(on mesh: Mesh) {
        mesh.serve(ControlService.follow) { [weak self] states, pushes, call in
            guard let self else { throw CallFailure(.unavailable, "nothing is published here any more") }
            try await serve(states, pushes, call)
        }
    }

    /// What is published.
    public var published: ConfigurationVersion? { state.withLock { $0.current } }

    /// Who follows, in the order in which they came.
    public var subscribers: [ControlSubscriber] {
        state.withLock { $0.followings.sorted { $0.key < $1.key }.map(\.value.subscriber) }
    }

    /// Publishes a document: all who follow are sent it who do not go by it already.
    ///
    /// - Parameter document: YAML; see `Documentation/Behaviours/Configuration.md`.
    /// - Returns: the version.
    /// - Throws: `ConfigurationFileError` if nobody could go by it; what was published stays.
    @discardableResult
    public func publish(_ document: [UInt8]) throws(ConfigurationFileError) -> ConfigurationVersion {
        let name = try DynamicConfiguration(yaml: document, file: "published").version ?? "none"
        let version = ConfigurationVersion(name: name, digest: SHA256Fingerprint(of: document), document: document)
        state.withLock { state in
            state.current = version
            for following in state.followings.values { following.news.yield(version) }
        }
        logger.info("configuration is published", metadata: ["version": "\(name)", "digest": "\(version.digest)"])
        return version
    }

    // MARK: Subscribers

    private func serve(
        _ states: RequestStream<SubscriberState>, _ pushes: ResponseSender<ConfigurationPush>, _ call: CallContext
    ) async throws {
        var states = states.makeAsyncIterator()
        guard let first = try await states.next() else { return }
        // Who is slow finds the newest version, not all that there were.
        let (news, continuation) = AsyncStream.makeStream(
            of: ConfigurationVersion.self, bufferingPolicy: .bufferingNewest(1))
        let number = try enter(call, first, continuation)
        defer { leave(number) }
        for await version in news where needs(number, version) {
            try await pushes.send(ConfigurationPush(document: version.document))
            self.pushes.increment()
            guard let state = try await states.next() else { return }
            said(number, state, of: version)
        }
    }

    private func enter(
        _ call: CallContext, _ first: SubscriberState, _ news: AsyncStream<ConfigurationVersion>.Continuation
    ) throws -> UInt64 {
        var subscriber = ControlSubscriber(identity: call.peer, address: call.remoteAddress)
        subscriber.said(first)
        return try state.withLock { state in
            guard state.followings.count < mostSubscribers else {
                throw CallFailure(
                    .resourceExhausted, "\(mostSubscribers) subscribers follow, no more may", hasNotRun: true)
            }
            state.last += 1
            state.followings[state.last] = Following(subscriber: subscriber, news: news)
            gauge.set(Double(state.followings.count))
            if let current = state.current { news.yield(current) }
            return state.last
        }
    }

    private func leave(_ number: UInt64) {
        state.withLock { state in
            state.followings.removeValue(forKey: number)?.news.finish()
            gauge.set(Double(state.followings.count))
        }
    }

    /// Whether a version is to be sent, which then waits for an answer.
    private func needs(_ number: UInt64, _ version: ConfigurationVersion) -> Bool {
        state.withLock { state in
            // One that came between was sent instead.
            guard state.current == version, state.followings[number]?.subscriber.knows(version.digest) == false else {
                return false
            }
            state.followings[number]?.subscriber.pending = version.digest
            return true
        }
    }

    private func said(_ number: UInt64, _ answer: SubscriberState, of version: ConfigurationVersion) {
        let subscriber = state.withLock { state in
            state.followings[number]?.subscriber.said(answer)
            return state.followings[number]?.subscriber
        }
        guard let subscriber, let refusal = subscriber.refusal, refusal.digest == version.digest else { return }
        refusals.increment()
        logger.warning(
            "subscriber refuses the configuration, it stays with its last good one",
            metadata: [
                "peer": "\(subscriber.identity?.description ?? "none")", "address": "\(subscriber.address)",
                "version": "\(version.name)", "error": "\(refusal.reason)",
            ])
    }
}
