import Synchronization

/// Bounds what those who declare tables in parts make a coordinator hold until their last part is there.
///
/// Guarded by a mutex.
final class DeclarationRoom: Sendable {
    private let bytes: Int
    private let partitions: Int
    private let held = Mutex(0)

    /// - Parameters:
    ///   - bytes: the most of all declarations together.
    ///   - partitions: the most of one.
    init(bytes: Int, partitions: Int) {
        self.bytes = bytes
        self.partitions = partitions
    }

    /// Takes room for more tables of a declaration; returns how much, which is to be freed.
    ///
    /// - Parameter others: the partitions that the declaration has named before.
    /// - Throws: ``CoordinationError`` with `limitReached`, or `busy` where others have the room; then nothing was
    ///   taken.
    func take(_ tables: [TableRequest], beside others: Int) throws(CoordinationError) -> Int {
        let declared = tables.reduce(others) { $0 + $1.partitionByteCounts.count }
        guard declared <= partitions else {
            throw CoordinationError(
                .limitReached, "\(declared) partitions and more are declared, the limit is \(partitions)")
        }
        let own = tables.reduce(0) { $0 + $1.mostBytes }
        try held.withLock { (held) throws(CoordinationError) in
            guard held + own <= bytes else {
                throw CoordinationError(
                    .busy,
                    "\(held) bytes of declarations wait for their last parts, the limit is \(bytes): try again later")
            }
            held += own
        }
        return own
    }

    /// Frees what was taken.
    func free(_ bytes: Int) { held.withLock { $0 -= bytes } }
}
