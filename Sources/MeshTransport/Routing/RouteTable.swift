import Identity
import MeshWire

/// A route policy in force. An immutable value.
struct RouteTable: Sendable {
    /// A route as calls need it.
    struct Compiled: Sendable {
        let route: Route
        /// What repeats its calls, the configuration's with what the route says instead.
        let retry: RetryConfiguration
        /// Its copies that are under way, of all clients and methods.
        let copies = CopyCount()
        fileprivate let methods: [MethodPattern]

        /// Whether what a call carries is what the route asks for.
        func matches(_ metadata: Metadata) -> Bool { route.metadata.allSatisfy { $0.matches(metadata) } }
    }

    private let routes: [Compiled]

    /// - Parameter old: what was in force; copies under way count on in routes that stay as they were.
    /// - Throws: ``MeshError/Code/invalidConfiguration`` that lists every problem.
    init(_ policy: RoutePolicy, retry: RetryConfiguration, keeping old: RouteTable? = nil) throws(MeshError) {
        var reader = RuleReader("route")
        var compiled: [Compiled] = []
        for route in policy.routes {
            reader.begin(route.name)
            let methods = reader.methods(route.methods)
            for problem in route.problems { reader.note(problem) }
            var retry = retry
            retry.attemptTimeout = route.attemptTimeout ?? retry.attemptTimeout
            retry.maximumAttempts = route.maximumAttempts ?? retry.maximumAttempts
            retry.hedging = route.hedging ?? retry.hedging
            retry.statuses = route.retriedStatuses ?? retry.statuses
            if let same = old?.routes.first(where: { $0.route == route && $0.retry == retry }) {
                compiled.append(same)
                continue
            }
            compiled.append(Compiled(route: route, retry: retry, methods: methods))
        }
        guard reader.problems.isEmpty else {
            throw MeshError(.invalidConfiguration, reader.problems.joined(separator: "; "))
        }
        routes = compiled
    }

    /// The routes that may be for calls of `method` to `destination`, up to the first that asks for no metadata.
    func candidates(method: String, destination: String) -> [Compiled] {
        var found: [Compiled] = []
        for route in routes
        where (route.route.services.isEmpty || route.route.services.contains(destination))
            && route.methods.contains(where: { $0.matches(method) })
        {
            found.append(route)
            if route.route.metadata.isEmpty { break }
        }
        return found
    }
}

extension Route {
    /// What is wrong with it beside its patterns.
    fileprivate var problems: [String] {
        var problems: [String] = []
        if let redirect {
            let parts = redirect.split(separator: "/", omittingEmptySubsequences: false)
            if parts.count != 2 || parts.contains("") {
                problems.append("expected Service/Method as redirect, found \"\(redirect)\"")
            }
        }
        if !backends.isEmpty, backends.allSatisfy({ $0.weight == 0 }) {
            problems.append("expected a backend with a weight above 0")
        }
        for (name, duration) in [
            ("timeout", timeout), ("attemptTimeout", attemptTimeout), ("idleTimeout", idleTimeout),
        ] {
            if let duration, duration <= .zero { problems.append("\(name) must be above zero, is \(duration)") }
        }
        if let maximumAttempts, maximumAttempts < 1 {
            problems.append("maximumAttempts must be at least 1, is \(maximumAttempts)")
        }
        if retriedStatuses?.contains(.ok) == true { problems.append("retriedStatuses must not contain ok") }
        problems += hedging.map(\.problems)?.map { "hedging.\($0)" } ?? []
        if let mirror {
            if !(0...1).contains(mirror.share) { problems.append("mirror.share must be in 0...1, is \(mirror.share)") }
            if mirror.concurrent < 1 {
                problems.append("mirror.concurrent must be at least 1, is \(mirror.concurrent)")
            }
        }
        guard let faults else { return problems }
        for (name, share) in [("delayShare", faults.delayShare), ("abortShare", faults.abortShare)]
        where !(0...1).contains(share) { problems.append("faults.\(name) must be in 0...1, is \(share)") }
        if faults.delay < .zero { problems.append("faults.delay must not be negative, is \(faults.delay)") }
        if faults.abort == .ok { problems.append("faults.abort must not be ok") }
        return problems
    }
}

extension MetadataMatch {
    fileprivate func matches(_ metadata: Metadata) -> Bool {
        switch value {
        case .absent: !metadata.contains { $0.key == key }
        case .present: metadata.contains { $0.key == key }
        case .exact(let text): metadata.contains { $0.key == key && $0.value == text }
        case .prefix(let text): metadata.contains { $0.key == key && $0.value.hasPrefix(text) }
        }
    }
}
