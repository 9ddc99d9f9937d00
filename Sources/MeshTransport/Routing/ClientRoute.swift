import MeshWire
import Synchronization
import Telemetry

/// A route, as the calls of one method of one client follow it: its backends' pools and series, found once.
final class ClientRoute: Sendable {
    /// A place that calls go to.
    struct Backend: Sendable {
        let method: ClientMethod
        let place: RoutedPool
        /// Counts the calls that go there.
        let calls: Counter
        /// The sum of the weights up to this one's, its own included.
        let weightsThrough: UInt64
    }

    /// Who gets copies.
    final class Mirror: Sendable {
        let configuration: RouteMirror
        let method: ClientMethod
        let place: RoutedPool
        let copies: Counter
        let drops: Counter
        private let running: CopyCount

        init(
            _ configuration: RouteMirror, _ method: ClientMethod, _ place: RoutedPool, running: CopyCount,
            copies: Counter, drops: Counter
        ) {
            self.running = running
            self.configuration = configuration
            self.method = method
            self.place = place
            self.copies = copies
            self.drops = drops
        }

        /// Whether there is room for a copy, which then counts until ``ended()``.
        func begin() -> Bool {
            guard running.add() <= configuration.concurrent else {
                ended()
                drops.increment()
                return false
            }
            copies.increment()
            return true
        }

        func ended() { running.subtract() }
    }

    let compiled: RouteTable.Compiled
    let mirror: Mirror?
    /// Counts the faults that it made.
    let faults: Counter
    private let backends: [Backend]

    /// - Parameter backends: at least one, with a weight above 0 in all.
    init(_ compiled: RouteTable.Compiled, _ backends: [Backend], _ mirror: Mirror?, faults: Counter) {
        self.compiled = compiled
        self.backends = backends
        self.mirror = mirror
        self.faults = faults
    }

    var route: Route { compiled.route }

    /// The backends that get calls, and the share of each.
    var shares: [(backend: Backend, share: Double)] {
        var through: UInt64 = 0
        let total = Double(backends.last?.weightsThrough ?? 1)
        return backends.map { backend in
            defer { through = backend.weightsThrough }
            return (backend, Double(backend.weightsThrough - through) / total)
        }
    }

    /// The backend of one call.
    ///
    /// - Parameter bits: 64 random ones.
    func backend(_ bits: UInt64) -> Backend {
        guard backends.count > 1, let total = backends.last?.weightsThrough else { return backends[0] }
        let drawn = bits.multipliedFullWidth(by: total).high
        return backends.first { drawn < $0.weightsThrough } ?? backends[0]
    }
}

/// How many copies of calls are under way. Any thread's.
final class CopyCount: Sendable {
    private let count = Atomic(0)

    func add() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
    func subtract() { count.wrappingSubtract(1, ordering: .relaxed) }
}
