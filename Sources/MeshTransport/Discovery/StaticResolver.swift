import Synchronization

/// Services whose endpoints the host knows, and may change while they are in use.
///
/// ```swift
/// let resolver = StaticResolver(["scoring.shop": [first, second]])
/// resolver.set([first, second, third], of: "scoring.shop")       // the third takes calls once it is connected
/// ```
/// Guarded by a mutex.
public final class StaticResolver: Resolver {
    private struct State {
        var services: [String: [ServiceEndpoint]]
        var watches: [UInt64: (service: String, update: @Sendable (Resolution) -> Void)] = [:]
        var next: UInt64 = 0
    }

    private let state: Mutex<State>
    /// Held while watches are told, so that two changes are told in their order.
    private let telling = Mutex(())

    /// Makes a resolver of these services.
    public init(_ services: [String: [ServiceEndpoint]] = [:]) { state = Mutex(State(services: services)) }

    /// Replaces the endpoints of a service; `nil` for a service that is there no more.
    public func set(_ endpoints: [ServiceEndpoint]?, of service: String) {
        telling.withLock { _ in
            let watches = state.withLock { state in
                state.services[service] = endpoints
                return state.watches.sorted { $0.key < $1.key }.map(\.value).filter { $0.service == service }
            }
            for watch in watches { watch.update(Self.resolution(endpoints, of: service)) }
        }
    }

    /// Follows a service: what is known of it is told before this returns.
    public func watch(_ service: String, _ update: @escaping @Sendable (Resolution) -> Void) -> ResolutionWatch {
        telling.withLock { _ in
            let (number, endpoints) = state.withLock { state in
                state.next += 1
                state.watches[state.next] = (service, update)
                return (state.next, state.services[service])
            }
            update(Self.resolution(endpoints, of: service))
            return ResolutionWatch { [weak self] in
                _ = self?.state.withLock { $0.watches.removeValue(forKey: number) }
            }
        }
    }

    private static func resolution(_ endpoints: [ServiceEndpoint]?, of service: String) -> Resolution {
        endpoints.map { .endpoints($0) } ?? .failed("no service is called \(service)")
    }
}
