/// A pool that routes lead to: closed when no route and no call does any more.
final class RoutedPool: Sendable {
    let pool: EndpointPool
    private let isOwned: Bool

    /// - Parameter isOwned: false for the client's own, which it closes itself.
    init(_ pool: EndpointPool, isOwned: Bool) {
        self.pool = pool
        self.isOwned = isOwned
    }

    deinit { if isOwned { pool.close() } }
}
