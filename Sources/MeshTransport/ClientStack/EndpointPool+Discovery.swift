import Identity
import Logging
import MeshWire
import NIOCore

/// Which endpoints a pool has: follows the service, takes what it is to use of it, and lets go of what has left.
extension EndpointPool {
    /// Begins to follow the service, with the first call or ahead of it.
    func start() {
        guard !isStarted, case .service(let name) = destination.place else { return }
        isStarted = true
        idleSince = core.runtime.now
        guard let resolver = core.configuration.resolver else {
            resolutionFailure = "the mesh's configuration names no resolver"
            return
        }
        let loop = executor.eventLoop
        watch = resolver.watch(name) { [weak self] resolution in
            guard let self else { return }
            loop.execute { self.resolved(resolution, as: name) }
        }
    }

    private func resolved(_ resolution: Resolution, as name: String) {
        guard !isClosed else { return }
        switch resolution {
        case .failed(let reason):
            resolutionFailure = reason
            core.logger.warning(
                "service is not resolved",
                metadata: ["service": "\(destination)", "error": "\(reason)", "endpoints": "\(balancer.count)"])
            if let error = hopelessness { release(error) }
        case .endpoints(let found):
            resolutionFailure = nil
            isResolved = true
            self.found = found
            apply(chosen(of: found), of: name)
        }
    }

    /// Uses others of the endpoints that were found last.
    func chooseAnew() {
        if isResolved, case .service(let name) = destination.place { apply(chosen(of: found), of: name) }
    }

    /// The endpoints that this client uses, each once, the first word about it counting.
    private func chosen(of found: [ServiceEndpoint]) -> [ServiceEndpoint] {
        var seen: Set<Endpoint> = []
        let found = found.filter { seen.insert($0.endpoint).inserted }
        guard let subset = configuration.balancing.subset else { return found }
        // Of each priority as many: those of a higher number are there for when the others are not.
        return Set(found.map(\.priority)).sorted().flatMap { priority in
            let alike = found.filter { $0.priority == priority }
            let names = alike.map { StableHash.of("\($0.endpoint)") }
            return EndpointSubset.choose(subset.size, of: names, seed: subset.seed ?? core.instance.low).map {
                alike[$0]
            }
        }
    }

    private func apply(_ found: [ServiceEndpoint], of name: String) {
        // Who waits for all of them is not to hear of a number on the way.
        isApplying = true
        let wanted = Set(found.map(\.endpoint))
        for endpoint in endpoints {
            if let endpoint, !wanted.contains(endpoint.server.endpoint) { remove(endpoint) }
        }
        for one in found {
            guard let known = byPlace[one.endpoint], let slot = known.slot else {
                add(one, of: name)
                continue
            }
            if known.found?.zone == one.zone, known.found?.identities == one.identities {
                balancer.setWeight(slot, one.weight)
                known.found = one
                known.lanes.setAlternatives(one.alternatives)
                refresh(known)
            } else {
                remove(known)
                add(one, of: name)
            }
        }
        isApplying = false
        count()
        dial()
        if let error = hopelessness { release(error) }
    }

    private func add(_ found: ServiceEndpoint, of name: String) {
        let server = ServerAddress(found, of: name, destination)
        let endpoint = ClientEndpoint(
            server, ClientLanes(core, server, executor: executor, deadlines), found: found)
        endpoint.lanes.setAlternatives(found.alternatives)
        endpoint.accrual = configuration.failureAccrual.map { FailureAccrual($0) }
        let slot = balancer.insert(
            Balancer.Endpoint(name: "\(found.endpoint)", weight: found.weight, zone: found.zone),
            now: core.runtime.now)
        endpoint.slot = slot
        while endpoints.count <= slot { endpoints.append(nil) }
        endpoints[slot] = endpoint
        byPlace[found.endpoint] = endpoint
        endpoint.lanes.small.onChange = { [weak self, unowned endpoint] in self?.noted($0, of: endpoint) }
        toDial.append(endpoint)
    }

    private func remove(_ endpoint: ClientEndpoint) {
        guard let slot = endpoint.slot else { return }
        if endpoint.lastError != nil { failing -= 1 }
        if let state = endpoint.accrual?.state, state != .closed { ejected -= 1 }
        if endpoint.isDialing { dialing -= 1 }
        let before = balancer.readyCount
        balancer.remove(slot)
        endpoint.slot = nil
        setTier(slot, nil, core.runtime.now)
        if before > 0, balancer.readyCount == 0 { isIdle(since: core.runtime.now) }
        endpoints[slot] = nil
        byPlace[endpoint.server.endpoint] = nil
        endpoint.redial?.cancel()
        endpoint.penalty?.cancel()
        endpoint.lanes.drain()
        leaving.append(endpoint)
        let forget = core.configuration.drainTimeout + .seconds(1)
        _ = schedule(in: forget) { [weak self, weak endpoint] in self?.leaving.removeAll { $0 === endpoint } }
    }
}
