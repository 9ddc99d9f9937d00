public import MeshWire
import NIOCore

/// How one of a service's servers stands with one client: what the balancer knows, and whether it is left out because
/// its calls fail.
public struct EndpointReport: Sendable, Hashable, CustomStringConvertible {
    /// What it does.
    public enum State: Sendable, Hashable {
        /// It takes calls.
        case ready
        /// It takes calls, but those of a lower priority number go first.
        case spare
        /// A connection to it is to be made, or is being made; the last one could not be made for this reason, if there was
        /// one.
        case connecting(lastError: String?)
        /// It is left out because its calls failed, for so long yet.
        case ejected(for: Duration)
        /// It was left out, and one call shows or is to show how it does now.
        case probation
    }

    /// Where it listens.
    public let endpoint: Endpoint
    /// Its zone, if discovery names one.
    public let zone: String?
    /// How many calls it gets beside the others.
    public let weight: UInt32
    /// Lower ones are called first.
    public let priority: UInt16
    /// What it does.
    public let state: State
    /// The calls of this client that it has not answered.
    public let pending: Int
    /// What its answers take on average, as the balancer reckons; `nil` before the first.
    public let latency: Duration?
    /// The share of its calls that fail, on average, 0 to 1.
    public let failureShare: Double
    /// Failures since the last success.
    public let consecutiveFailures: Int
    /// How often in a row it was left out.
    public let ejections: Int

    /// One line for people.
    public var description: String {
        let share = Int((failureShare * 100).rounded())
        let latency = latency.map { ", \($0) an answer" } ?? ""
        return "\(endpoint): \(state), \(pending) calls\(latency), \(share) % fail"
            + (consecutiveFailures > 0 ? ", the last \(consecutiveFailures)" : "")
            + (ejections > 0 ? ", left out \(ejections) times in a row" : "")
    }
}

extension EndpointReport.State: CustomStringConvertible {
    /// What it does, for people.
    public var description: String {
        switch self {
        case .ready: "ready"
        case .spare: "spare"
        case .connecting(let error): error.map { "connecting (\($0))" } ?? "connecting"
        case .ejected(let time): "left out for \(time)"
        case .probation: "on probation"
        }
    }
}

extension EndpointPool {
    /// How the servers stand, in the order in which they came. On the event loop.
    func report(now: RuntimeInstant) -> [EndpointReport] {
        endpoints.compactMap { endpoint in
            guard let endpoint, let slot = endpoint.slot, let found = endpoint.found else { return nil }
            let load = balancer.load(slot)
            return EndpointReport(
                endpoint: endpoint.server.endpoint, zone: found.zone, weight: found.weight, priority: found.priority,
                state: state(of: endpoint, slot, now), pending: Int(load.pending), latency: load.averageLatency,
                failureShare: load.failureShare, consecutiveFailures: endpoint.accrual?.consecutive ?? 0,
                ejections: endpoint.accrual?.penalties ?? 0)
        }
    }

    private func state(of endpoint: ClientEndpoint, _ slot: Int, _ now: RuntimeInstant) -> EndpointReport.State {
        switch endpoint.accrual?.state {
        case .open(let until): return .ejected(for: max(.zero, now.duration(to: until)))
        case .probation, .probing: return .probation
        case .closed, nil: break
        }
        guard endpoint.lanes.small.isUp else { return .connecting(lastError: endpoint.lastError?.message) }
        return balancer.isReady(slot) ? .ready : .spare
    }
}

extension MeshClient {
    /// How the servers of the client's service stand: which are slow, which fail, which are left out and for how long.
    /// Empty for a destination that names one server, and before the first call.
    public func endpoints() async -> [EndpointReport] {
        await pool.onLoop { pool in pool.report(now: pool.core.runtime.now) }
    }
}

extension EndpointPool {
    /// Runs `body` on the event loop.
    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (EndpointPool) -> Value) async -> Value {
        let loop = executor.eventLoop
        if loop.inEventLoop { return body(self) }
        return await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body(self)) }
        }
    }
}
