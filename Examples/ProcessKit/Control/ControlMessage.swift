package import Coordination
package import MeshWire

/// What the launcher says to a child.
package enum RoleCommand: Codable, Sendable, Equatable {
    /// The first message: what the child is, and its join token.
    case start(RoleConfiguration)
    /// To the coordinator: make a one-time join token for this SPIFFE ID; `joinToken` answers.
    case issueJoinToken(spiffeID: String)
    /// Say which connections the process holds; `connections` answers.
    case reportConnections
    /// Finish and exit with status 0.
    case stop
}

/// What a child says to the launcher.
package enum RoleReport: Codable, Sendable, Equatable {
    /// It does its work now.
    case ready(Ready)
    /// From the coordinator: the token that `issueJoinToken` asked for.
    case joinToken(String)
    /// From a worker, a few times a second and after its last step.
    case progress(Progress)
    /// From a worker, before the first attempt of these pushes leaves: the record survives the worker.
    case sending(NotedPushes)
    /// From a worker: these pushes were acknowledged.
    case acknowledged(NotedPushes)
    /// From a worker that has made its last step.
    case finished(WorkerFigures)
    /// The connections that the process holds now.
    case connections([ConnectionFigures])
    /// A line for people: what the fault injector dropped, say.
    case note(String)
    /// The child cannot go on; it exits with a failure after this.
    case failed(String)

    package struct Ready: Codable, Sendable, Equatable {
        /// The identity that the child was issued.
        package var spiffeID: String
        /// The listening ports, by what they serve: `mesh`, `join`, `http`.
        package var ports: [String: Int]

        package init(spiffeID: String, ports: [String: Int] = [:]) {
            self.spiffeID = spiffeID
            self.ports = ports
        }
    }

    package struct Progress: Codable, Sendable, Equatable {
        package var slot: Int
        package var epoch: Int
        /// Steps made, of `steps`; a replacement goes on counting where its predecessor was.
        package var step: Int
        package var steps: Int
        /// The mean loss of the steps since the last report.
        package var loss: Float

        package init(slot: Int, epoch: Int, step: Int, steps: Int, loss: Float) {
            self.slot = slot
            self.epoch = epoch
            self.step = step
            self.steps = steps
            self.loss = loss
        }
    }

    /// Pushes of one session, each named by its partition's number and its sequence number there.
    package struct NotedPushes: Codable, Sendable, Equatable {
        package struct Push: Codable, Sendable, Equatable {
            package var partition: UInt64
            package var sequence: UInt64
        }

        private var sessionHigh: UInt64
        private var sessionLow: UInt64
        package var pushes: [Push]

        package init(session: SessionID, _ pushes: some Sequence<(partition: PartitionID, sequence: UInt64)>) {
            sessionHigh = session.high
            sessionLow = session.low
            self.pushes = pushes.map { Push(partition: $0.partition.rawValue, sequence: $0.sequence) }
        }

        package var session: SessionID { SessionID(high: sessionHigh, low: sessionLow) }
    }

    package struct WorkerFigures: Codable, Sendable, Equatable {
        /// Attempts after the first, over all pushes.
        package var retries: Int
        /// Replies that the fault injector dropped.
        package var repliesLost: Int
    }

    package struct ConnectionFigures: Codable, Sendable, Equatable {
        package var peer: String
        package var tlsVersion: String
        /// Whether the peer opened it.
        package var isInbound: Bool
    }
}
