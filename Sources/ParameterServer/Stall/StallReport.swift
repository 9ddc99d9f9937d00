public import Coordination
public import MeshWire

/// Who waits for whom in a process: what stands still, since when, and whose turn it is to do something.
///
/// ```swift
/// print(server.stallReport())
/// // push 71 of session 1f-… (slot 3, spiffe://job/worker/3) waits 2.1 s for the chain of weight#4: follower server-2
/// ```
/// Waiting is normal, and most waits end within milliseconds; each ends at its deadline. The one that is long shows
/// where to look.
public struct StallReport: Sendable, Hashable, CustomStringConvertible {
    /// What somebody waits for.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// A push or a pull for its turn at a partition.
        case turn
        /// A push, a snapshot or a pull of committed state for every server of a partition's chain to have it; a head
        /// for a follower that it cannot reach.
        case chain
        /// The same for the server's log; a chain that lacks a follower for a server whose log is too small for it.
        case log
        /// A pull for a version of a partition.
        case version
        /// A push, or a pull, for its round, or a worker that has arrived for the leader's decision.
        case round
        /// A pull of bounded staleness for slower workers.
        case clock
        /// A server for the coordinator's answer about a partition or a session.
        case coordinator
        /// A head that was a follower for the coordinator to tell which sessions may push.
        case takeover
        /// A server that joins a chain for a snapshot.
        case seeding
        /// A client for a server's answer.
        case answer
        /// A client for a map in which another server heads the partitions.
        case map
    }

    /// One wait.
    public struct Wait: Sendable, Hashable, CustomStringConvertible {
        /// What for.
        public var reason: Reason
        /// Who waits, by its part: a push with its number, a pull, a server.
        public var waiter: String
        /// For whom, by its part.
        public var blocker: String
        /// The partition, or the first of several.
        public var partition: PartitionName?
        /// At a server the identity of whoever made the request, at a client that of the server.
        public var peer: String?
        /// The session that the request is of.
        public var session: SessionID?
        /// Its slot.
        public var slot: Int?
        /// For how long by now.
        public var duration: Duration

        /// One line.
        public var description: String {
            let owner = [session.map { "session \($0)" }, slot.map { "slot \($0)" }, peer].compactMap { $0 }
            let by = owner.isEmpty ? "" : " (\(owner.joined(separator: ", ")))"
            let place = partition.map { " of \($0)" } ?? ""
            return "\(waiter)\(by) waits \(duration) for the \(reason)\(place): \(blocker)"
        }
    }

    /// The waits, longest first.
    public var waits: [Wait]

    init(_ waits: [Wait]) { self.waits = waits.sorted { $0.duration > $1.duration } }

    /// One line a wait; empty where nobody waits.
    public var description: String { waits.map(\.description).joined(separator: "\n") }
}
