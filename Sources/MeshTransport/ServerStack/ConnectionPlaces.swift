import MeshWire

/// How many connections a listener has, handshakes included, and how many it may have.
struct ConnectionPlaces {
    /// What becomes of a connection that wants in.
    enum Admission: Equatable {
        case admitted
        /// `isReported`: whether this refusal is one for the log.
        case refused(isReported: Bool)
    }

    private let limit: Int
    private var taken = 0
    private var lastReport: RuntimeInstant?

    /// A flood of connections is to fill no log.
    private static let reportInterval = Duration.seconds(60)

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes a place, which ``leave()`` gives back.
    mutating func enter(now: RuntimeInstant) -> Admission {
        guard taken >= limit else {
            taken += 1
            return .admitted
        }
        if let lastReport, lastReport.duration(to: now) < Self.reportInterval { return .refused(isReported: false) }
        lastReport = now
        return .refused(isReported: true)
    }

    /// Gives a place back.
    mutating func leave() { taken -= 1 }
}
