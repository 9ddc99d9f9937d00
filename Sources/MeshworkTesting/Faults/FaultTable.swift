import MeshWire

/// Which faults the connections of a simulated network have, and who cannot reach whom.
struct FaultTable {
    /// Which connections something is about; `nil` for all.
    struct Route: Hashable {
        var client: String?
        var endpoint: Endpoint?
    }

    private var faults: [Route: NetworkFaults] = [:]
    private var partitions: Set<Route> = []

    mutating func set(_ new: NetworkFaults, _ route: Route) { faults[route] = new }
    mutating func partition(_ route: Route) { partitions.insert(route) }
    mutating func heal(_ route: Route) { partitions.remove(route) }

    /// The faults of a connection: of its pair, else of its endpoint, its client, or all.
    func faults(of connection: Route) -> NetworkFaults {
        Self.matches(connection).lazy.compactMap { faults[$0] }.first ?? NetworkFaults()
    }

    /// Whether nothing of a connection arrives.
    func isPartitioned(_ connection: Route) -> Bool {
        !partitions.isEmpty && Self.matches(connection).contains(where: partitions.contains)
    }

    /// What a connection is meant by, the most precise first.
    private static func matches(_ connection: Route) -> [Route] {
        [
            connection, Route(client: nil, endpoint: connection.endpoint),
            Route(client: connection.client, endpoint: nil), Route(client: nil, endpoint: nil),
        ]
    }
}
