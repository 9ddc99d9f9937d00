import Synchronization

/// A connection that a mesh holds.
public struct OpenConnection: Sendable, Hashable {
    /// Who opened a connection.
    public enum Direction: String, Sendable, Hashable {
        /// The peer did.
        case inbound
        /// This process did.
        case outbound
    }

    /// Who opened it.
    public var direction: Direction
    /// Who is at the other end, and how that is known.
    public var info: ConnectionInfo
}

/// The connections that a mesh holds, in the order in which they were opened. Guarded by a mutex.
final class ConnectionTable: Sendable {
    private let state = Mutex<(next: UInt64, open: [UInt64: OpenConnection])>((0, [:]))

    /// Adds a connection; its number takes it out again.
    func opened(_ info: ConnectionInfo, _ direction: OpenConnection.Direction) -> UInt64 {
        state.withLock { state in
            state.next += 1
            state.open[state.next] = OpenConnection(direction: direction, info: info)
            return state.next
        }
    }

    /// Takes a connection out.
    func closed(_ number: UInt64) {
        _ = state.withLock { $0.open.removeValue(forKey: number) }
    }

    /// The connections that are open.
    var open: [OpenConnection] {
        state.withLock { $0.open.sorted { $0.key < $1.key }.map(\.value) }
    }
}
