import MeshWire

/// Follows a service through its look-ups: what those are told who use it, when to look again, and what becomes of the
/// last good endpoints when it is not found.
///
/// A state machine without I/O, clock or chance.
///
/// | look-up | told | looks again |
/// |---|---|---|
/// | found | the endpoints: those that are not among them drain | when its time is over, and a share more by chance |
/// | failed (`SERVFAIL`, `REFUSED`, no answer) | why; the last endpoints stay, for ever | after a backoff that doubles |
/// | absent (`NXDOMAIN`, nothing of the kind) | why; the last endpoints stay until that has been said for `absenceTolerance`, then there are none | when its time is over |
struct DNSFollowing: Sendable {
    /// What is to be done after a look-up.
    struct Step: Sendable, Hashable {
        /// What to tell, in order; nothing where it is no news.
        var news: [Resolution] = []
        /// How long to wait for the next look-up.
        var pause: Duration
    }

    private let configuration: DNSConfiguration
    private var endpoints: [ServiceEndpoint]?
    private var failures = 0
    private var absentSince: RuntimeInstant?
    /// Why there is none, if that was told last.
    private var toldReason: String?

    init(_ configuration: DNSConfiguration) { self.configuration = configuration }

    /// A look-up has ended.
    ///
    /// - Parameter chance: uniform in 0 ..< 1.
    mutating func heard(_ finding: DNSFinding, now: RuntimeInstant, chance: Double) -> Step {
        switch finding {
        case .found(let found, let time):
            (failures, absentSince) = (0, nil)
            let isNews = endpoints != found || toldReason != nil
            (endpoints, toldReason) = (found, nil)
            return Step(news: isNews ? [.endpoints(found)] : [], pause: spread(time, chance))
        case .failed(let reason):
            failures += 1
            absentSince = nil
            return Step(
                news: failure(reason), pause: configuration.backoff.pause(after: failures, chance: chance))
        case .absent(let reason, let time):
            failures = 0
            let since = absentSince ?? now
            absentSince = since
            let end = since.advanced(by: configuration.absenceTolerance)
            guard endpoints?.isEmpty == false else { return Step(news: failure(reason), pause: spread(time, chance)) }
            guard now >= end else {
                return Step(news: failure(reason), pause: min(spread(time, chance), now.duration(to: end)))
            }
            endpoints = []
            toldReason = reason
            return Step(news: [.endpoints([]), .failed(reason)], pause: spread(time, chance))
        }
    }

    private func spread(_ time: Duration, _ chance: Double) -> Duration { time * (1 + configuration.jitter * chance) }

    private mutating func failure(_ reason: String) -> [Resolution] {
        guard toldReason != reason else { return [] }
        toldReason = reason
        return [.failed(reason)]
    }
}
