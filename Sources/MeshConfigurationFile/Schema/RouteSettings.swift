import Identity
import MeshTransport
import MeshWire

extension RoutePolicy {
    /// Reads a list of routes.
    init?(_ setting: Setting) {
        guard let routes = setting.list("a list of routes")?.compactMap({ Route($0) }) else { return nil }
        setting.noteDuplicates(of: routes.map(\.name))
        self.init(routes: routes)
    }
}

extension Route {
    fileprivate init?(_ setting: Setting) {
        var route = Route("")
        setting.mapping { keys in
            route.name = keys.required("name", "a text") { $0.text() } ?? ""
            keys.read("services", &route.services) { $0.texts("a list of services") }
            keys.read("methods", &route.methods) { $0.methods() }
            keys.read("metadata", &route.metadata) { $0.list()?.compactMap { MetadataMatch($0) } }
            keys.readOptional("redirect", &route.redirect) { $0.redirect() }
            keys.read("backends", &route.backends) { $0.backends() }
            keys.readOptional("mirror", &route.mirror) { RouteMirror($0) }
            keys.readOptional("faults", &route.faults) { RouteFaults($0) }
            keys.readOptional("timeout", &route.timeout) { $0.duration() }
            keys.readOptional("attemptTimeout", &route.attemptTimeout) { $0.duration() }
            keys.readOptional("idleTimeout", &route.idleTimeout) { $0.duration() }
            keys.readOptional("maximumAttempts", &route.maximumAttempts) { $0.count(from: 1) }
            keys.readOptional("retriedStatuses", &route.retriedStatuses) { $0.statuses() }
            keys.readOptional("hedging", &route.hedging) { HedgingConfiguration().overlaid($0) }
        }
        guard !route.name.isEmpty else { return nil }
        self = route
    }
}

extension Setting {
    /// A list of statuses.
    func statuses() -> Set<CallStatus>? {
        list("a list of statuses").map { Set($0.compactMap { $0.status() }) }
    }

    fileprivate func redirect() -> String? {
        guard let text = text("Service/Method") else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts.contains("") else {
            expected("Service/Method")
            return nil
        }
        return text
    }

    fileprivate func backends() -> [RouteBackend]? {
        guard let found = list("a list of backends") else { return nil }
        let backends = found.compactMap { RouteBackend($0) }
        if backends.count == found.count, !backends.isEmpty, backends.allSatisfy({ $0.weight == 0 }) {
            note("expected a backend with a weight above 0")
        }
        return backends
    }
}

extension MetadataMatch {
    fileprivate init?(_ setting: Setting) {
        var key = ""
        var values: [MetadataMatch.Value] = []
        setting.mapping { keys in
            key = keys.required("key", "a text") { $0.text() } ?? ""
            if let text = keys.setting("exact").flatMap({ $0.text() }) { values.append(.exact(text)) }
            if let text = keys.setting("prefix").flatMap({ $0.text() }) { values.append(.prefix(text)) }
            if let isPresent = keys.setting("present").flatMap({ $0.truth() }) {
                values.append(isPresent ? .present : .absent)
            }
            if values.count != 1, keys.isComplete {
                keys.note("expected one of exact, prefix and present, found \(values.count)")
            }
        }
        guard !key.isEmpty, let value = values.first else { return nil }
        self.init(key, value)
    }
}

extension RouteBackend {
    fileprivate init?(_ setting: Setting) {
        var destination: Destination?
        var weight: UInt32 = 1
        setting.mapping { keys in
            destination = keys.destination()
            keys.read("weight", &weight) { $0.count(0...1_000_000).map { UInt32($0) } }
        }
        guard let destination else { return nil }
        self.init(destination, weight: weight)
    }
}

extension RouteMirror {
    fileprivate init?(_ setting: Setting) {
        var destination: Destination?
        var (share, concurrent) = (1.0, 100)
        setting.mapping { keys in
            destination = keys.destination()
            keys.read("share", &share) { $0.share() }
            keys.read("concurrent", &concurrent) { $0.count(from: 1) }
        }
        guard let destination else { return nil }
        self.init(destination, share: share, concurrent: concurrent)
    }
}

extension RouteFaults {
    fileprivate init?(_ setting: Setting) {
        var faults = RouteFaults()
        setting.mapping { keys in
            keys.read("delay", &faults.delay) { $0.duration(orZero: true) }
            keys.read("delayShare", &faults.delayShare) { $0.share() }
            keys.read("abort", &faults.abort) { $0.status() }
            keys.read("abortShare", &faults.abortShare) { $0.share() }
        }
        self = faults
    }
}

extension MappingReader {
    /// Where calls go: a `service`, or an `endpoint` with the `identities` that it may prove.
    fileprivate mutating func destination() -> Destination? {
        let service = setting("service").flatMap { $0.text("a service's name") }
        let endpoint = setting("endpoint").flatMap { $0.endpoint() }
        let identities = (setting("identities").flatMap { $0.identities() } ?? []).compactMap { IdentityPattern($0) }
        switch (service, endpoint) {
        case (let service?, nil): return Destination(service: service, identities: identities)
        case (nil, let endpoint?):
            if identities.isEmpty, isComplete { note("expected identities: who may answer at \(endpoint)") }
            return Destination(endpoint, identities: identities)
        default:
            if isComplete { note("expected a service or an endpoint, found \(service == nil ? "neither" : "both")") }
            return nil
        }
    }
}

extension Setting {
    fileprivate func endpoint() -> Endpoint? {
        let what = "host:port, [address]:port or unix:path"
        guard let text = text(what) else { return nil }
        guard let endpoint = EndpointList.place(text[...]) else {
            expected(what)
            return nil
        }
        return endpoint
    }
}
