import MeshWire
import NIOCore

/// What a pool makes of a configuration that changes: what is known of the endpoints and their connections stays, and only
/// what is different is made anew.
extension EndpointPool {
    /// What is in force, as far as the pool has heard.
    var configuration: DynamicConfiguration { snapshot.configuration }

    /// Goes by what is in force now. On the event loop.
    func follow() {
        let new = core.inForce.current
        guard new.number != snapshot.number, !isClosed else { return }
        let old = configuration
        snapshot = new
        guard only == nil else { return }
        if configuration.balancing != old.balancing {
            balancer.follow(configuration.balancing, now: core.runtime.now)
            if configuration.balancing.subset != old.balancing.subset { chooseAnew() }
        }
        if configuration.failureAccrual != old.failureAccrual { judgeAnew() }
        if configuration.connectBackoff != old.connectBackoff { waitAnew() }
        if configuration.failfastTimeout != old.failfastTimeout { watchAnew() }
    }

    private func judgeAnew() {
        let now = core.runtime.now
        for case let endpoint? in endpoints {
            let before = endpoint.accrual?.state ?? .closed
            if let new = configuration.failureAccrual {
                if endpoint.accrual == nil { endpoint.accrual = FailureAccrual(new) }
                endpoint.accrual?.follow(new, now: now)
            } else {
                endpoint.accrual = nil
            }
            let after = endpoint.accrual?.state ?? .closed
            guard after != before else { continue }
            endpoint.penalty?.cancel()
            if case .open(let until) = after {
                penalize(endpoint, for: now.duration(to: until))
            } else {
                ejected -= 1
            }
            refresh(endpoint)
        }
    }

    private func waitAnew() {
        for case let endpoint? in endpoints where endpoint.redial != nil { redialLater(endpoint) }
    }
}
