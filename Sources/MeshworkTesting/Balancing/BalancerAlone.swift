public import MeshTransport
import MeshWire

/// A client's balancer by itself, without connections: to try a configuration on endpoints of one's own, or to see what a
/// pick costs.
///
/// ```swift
/// var balancer = BalancerAlone(configuration, endpoints: 10)
/// if let endpoint = balancer.pick(at: .zero) {
///     balancer.began(endpoint, at: .zero)
///     balancer.ended(endpoint, at: .milliseconds(5), after: .milliseconds(5))
/// }
/// ```
/// Endpoints are numbers from 0. Time is the caller's, from zero on; chance follows from the seed.
public struct BalancerAlone: Sendable {
    private var balancer: Balancer
    private var generator: SplitMix64

    /// Makes a balancer of `endpoints` that take calls.
    ///
    /// - Parameter seed: what its choices follow from.
    public init(_ configuration: BalancingConfiguration, endpoints: Int, seed: UInt64 = 1) {
        balancer = Balancer(configuration)
        generator = SplitMix64(seed: seed)
        for _ in 0..<endpoints { _ = insert(at: .zero) }
    }

    /// Adds an endpoint that takes calls.
    ///
    /// - Returns: its number: that of the one that was removed last, or the next one.
    public mutating func insert(weight: UInt32 = 1, at time: Duration) -> Int {
        let slot = balancer.insert(
            Balancer.Endpoint(name: "10.\(generator.next())", weight: weight), now: Self.instant(time))
        balancer.setReady(slot, true, now: Self.instant(time))
        return slot
    }

    /// Takes an endpoint out.
    public mutating func remove(_ endpoint: Int) { balancer.remove(endpoint) }

    /// Changes how many calls an endpoint gets beside the others.
    public mutating func setWeight(_ endpoint: Int, _ weight: UInt32) { balancer.setWeight(endpoint, weight) }

    /// Says whether an endpoint takes calls.
    public mutating func setTakesCalls(_ endpoint: Int, _ takesCalls: Bool, at time: Duration) {
        balancer.setReady(endpoint, takesCalls, now: Self.instant(time))
    }

    /// The endpoint for a call; `nil` if none takes calls.
    public mutating func pick(at time: Duration) -> Int? {
        balancer.pick(now: Self.instant(time), seeded: &generator)
    }

    /// An endpoint was given a call.
    public mutating func began(_ endpoint: Int, at time: Duration) { balancer.began(endpoint, now: Self.instant(time)) }

    /// An endpoint has answered a call, `elapsed` after it was given it, with success or not.
    public mutating func ended(_ endpoint: Int, at time: Duration, after elapsed: Duration, isSuccess: Bool = true) {
        balancer.ended(endpoint, isSuccess ? .success : .failure, after: elapsed, now: Self.instant(time))
    }

    private static func instant(_ time: Duration) -> RuntimeInstant { RuntimeInstant(nanoseconds: time.inNanoseconds) }
}
