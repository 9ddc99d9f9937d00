/// What a child needs to know, sent to it over the control channel as the first message.
package enum RoleConfiguration: Codable, Sendable, Equatable {
    case coordinator(Coordinator)
    case server(Server)
    case worker(Worker)
    case modelServer(ModelServer)

    /// A place on the loopback interface.
    package struct Endpoint: Codable, Sendable, Equatable {
        package var host = "127.0.0.1"
        package var port: Int
    }

    /// How a process becomes a member of the mesh.
    package struct Membership: Codable, Sendable, Equatable {
        /// The identity that the token authorises.
        package var spiffeID: String
        /// The one-time token; it carries the fingerprint of the root that the join listener must show.
        package var joinToken: String
        /// Where to redeem the token.
        package var join: Endpoint
        /// Where the coordinator's mesh services are, and who must answer there.
        package var coordinator: Endpoint
        package var coordinatorID: String
    }

    /// The coordinator, which is the certificate authority too.
    package struct Coordinator: Codable, Sendable, Equatable {
        package var trustDomain: String
        package var spiffeID: String
        /// How many parameter servers register before partitions are dealt out.
        package var serverCount: Int
        /// Slots for workers.
        package var slots: Int
        package var certificateLifetimeSeconds: Int

        package init(
            trustDomain: String, spiffeID: String, serverCount: Int, slots: Int, certificateLifetimeSeconds: Int
        ) {
            self.trustDomain = trustDomain
            self.spiffeID = spiffeID
            self.serverCount = serverCount
            self.slots = slots
            self.certificateLifetimeSeconds = certificateLifetimeSeconds
        }
    }

    /// A parameter server.
    package struct Server: Codable, Sendable, Equatable {
        package var membership: Membership
        /// Where it keeps its log; without one it keeps none.
        package var logFolder: String?
    }

    /// A worker: one slot's share of the training.
    package struct Worker: Codable, Sendable, Equatable {
        package var membership: Membership
        package var slot: Int
        package var plan: TrainingPlan
        /// Steps that the slot made before this worker took it: 0, or more for a replacement.
        package var firstStep: Int
        /// The files that it reads.
        package var dataPaths: [String]
        /// The fraction of replies that the worker's transport loses on purpose, and the seed that chooses them.
        package var replyLoss: Double
        package var faultSeed: UInt64
    }

    /// The model server: mesh predict, HTTP infer and metrics.
    package struct ModelServer: Codable, Sendable, Equatable {
        package var membership: Membership
        package var modelPath: String
        package var modelName: String
        package var modelVersion: Int
        /// The HTTP port; 0 lets the system choose.
        package var httpPort: Int

        package init(
            membership: Membership, modelPath: String, modelName: String, modelVersion: Int, httpPort: Int
        ) {
            self.membership = membership
            self.modelPath = modelPath
            self.modelName = modelName
            self.modelVersion = modelVersion
            self.httpPort = httpPort
        }
    }
}
