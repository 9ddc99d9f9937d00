public import MeshWire
import Synchronization

/// Finds the servers of services in the domain name system, and follows them as records change.
///
/// ```swift
/// configuration.resolver = try DNSResolver()
/// let scoring = mesh.client(Destination(service: "scoring.shop.svc:7000", identities: [expected]))        // A and AAAA
/// let ledger = mesh.client(Destination(service: "_ledger._tcp.shop.example", identities: [expected]))    // SRV
/// ```
/// A service is `host:port`, each address of the host being a server, or `_service._protocol.domain`, whose SRV records
/// list servers with ports, weights and priorities. Names are completed and hosts found as the system's own resolver
/// does it. A name is looked up again when its records' time is over, by one task for all who use it; an address that
/// is not among a new answer's drains, and where there is no answer the last good one stays
/// (``DNSConfiguration/absenceTolerance``). Whom calls reach is not up to DNS: servers prove the identities that their
/// destination names.
///
/// Guarded by a mutex.
public final class DNSResolver: Resolver {
    /// Somebody uses the service of a name.
    private struct Followed {
        let feed: ResolutionFeed
        /// Looks it up; `nil` for what is no name.
        let task: Task<Void, Never>?
        var watches = 0
    }

    private let configuration: DNSConfiguration
    private let runtime: any Runtime
    private let lookup: DNSLookup
    private let followed = Mutex<[String: Followed]>([:])

    /// Makes a resolver; nothing is asked yet.
    ///
    /// - Parameter runtime: the mesh's.
    /// - Throws: ``MeshError/Code/invalidConfiguration``.
    public init(
        _ configuration: DNSConfiguration = DNSConfiguration(), runtime: any Runtime = SystemRuntime.shared
    ) throws(MeshError) {
        guard configuration.problems.isEmpty else {
            throw MeshError(.invalidConfiguration, "DNS: \(configuration.problems.joined(separator: "; "))")
        }
        self.configuration = configuration
        self.runtime = runtime
        lookup = DNSLookup(configuration, runtime)
    }

    /// Follows a service: it is looked up until nobody follows it any more.
    public func watch(_ service: String, _ update: @escaping @Sendable (Resolution) -> Void) -> ResolutionWatch {
        let feed = followed.withLock { followed in
            var entry = followed[service] ?? follow(service)
            entry.watches += 1
            followed[service] = entry
            return entry.feed
        }
        let number = feed.add(update)
        return ResolutionWatch { [weak self] in
            feed.remove(number)
            self?.leave(service)
        }
    }

    private func leave(_ service: String) {
        let task = followed.withLock { followed -> Task<Void, Never>? in
            guard var entry = followed.removeValue(forKey: service) else { return nil }
            entry.watches -= 1
            guard entry.watches > 0 else { return entry.task }
            followed[service] = entry
            return nil
        }
        task?.cancel()
    }

    /// Looks a service up again and again; ends with the last watch.
    private func follow(_ service: String) -> Followed {
        let feed = ResolutionFeed()
        let name: DNSServiceName
        do throws(DNSFailure) {
            name = try DNSServiceName(service)
        } catch {
            feed.tell(.failed("\(error)"))
            return Followed(feed: feed, task: nil)
        }
        let task = runtime.spawn(on: runtime.taskExecutor) { [lookup, runtime, configuration] in
            var following = DNSFollowing(configuration)
            var generator = SplitMix64(seed: runtime.randomBits())
            while !Task.isCancelled {
                let finding = await lookup.find(name)
                guard !Task.isCancelled else { return }
                let step = following.heard(finding, now: runtime.now, chance: generator.nextUnit())
                for news in step.news { feed.tell(news) }
                try? await runtime.sleep(for: step.pause)
            }
        }
        return Followed(feed: feed, task: task)
    }

    deinit {
        for (_, followed) in followed.withLock({ $0 }) { followed.task?.cancel() }
    }
}
