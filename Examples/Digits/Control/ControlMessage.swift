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
    case sending(PushNotes)
    /// From a worker: these pushes were acknowledged.
    case acknowledged(PushNotes)
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

    /// Pushes of one session, each named by its partition and its sequence number there.
    package struct PushNotes: Codable, Sendable, Equatable {
        /// The session's 128 bits in hexadecimal.
        package var session: String
        package var pushes: [Push]

        package struct Push: Codable, Sendable, Equatable {
            package var partition: String
            package var sequence: UInt64

            package init(partition: String, sequence: UInt64) {
                self.partition = partition
                self.sequence = sequence
            }
        }

        package init(session: String, pushes: [Push]) {
            self.session = session
            self.pushes = pushes
        }
    }

    package struct WorkerFigures: Codable, Sendable, Equatable {
        package var steps: Int
        /// Attempts after the first, over all pushes.
        package var retries: Int
        /// Replies that the fault injector dropped.
        package var repliesLost: Int

        package init(steps: Int, retries: Int, repliesLost: Int) {
            self.steps = steps
            self.retries = retries
            self.repliesLost = repliesLost
        }
    }

    package struct ConnectionFigures: Codable, Sendable, Equatable {
        package var peer: String
        package var tlsVersion: String
        /// Whether the peer opened it.
        package var isInbound: Bool

        package init(peer: String, tlsVersion: String, isInbound: Bool) {
            self.peer = peer
            self.tlsVersion = tlsVersion
            self.isInbound = isInbound
        }
    }
}
