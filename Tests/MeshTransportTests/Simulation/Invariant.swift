import MeshTransport
import MeshWire

/// Something that holds of every simulation, whatever happens in it.
struct Invariant: Sendable {
    let name: String
    let violations: @Sendable (SimulationOutcome) -> [String]

    static let all = [
        endsInTime, answersItsOwn, runsOnce, unsentIsUnrun, succeedsWhereItMust, healsWhollyAgain, retiredRootIsRefused,
        leavesNothing,
    ]

    /// A rule of single calls: the numbers of those that break it.
    private static func ofCalls(
        _ name: String, _ isBroken: @escaping @Sendable (CallJournal.Call, SimulationOutcome) -> Bool
    ) -> Invariant {
        Invariant(name: name) { outcome in
            outcome.calls.indices.filter { isBroken(outcome.calls[$0], outcome) }.map { outcome.line($0) }
        }
    }

    static let endsInTime = ofCalls("every call ends by its deadline") { call, _ in
        guard let end = call.end else { return true }
        return call.begin.duration(to: end) > .seconds(10) + .milliseconds(2)
    }

    static let answersItsOwn = Invariant(name: "every answer is that of its own call, by a server of its service") {
        outcome in
        outcome.calls.indices.compactMap { number in
            let call = outcome.calls[number]
            guard let answer = call.answer else { return nil }
            let members = call.service * outcome.shape.serversEach..<(call.service + 1) * outcome.shape.serversEach
            return members.contains { answer == "server-\($0) \(number)" } ? nil : outcome.line(number)
        }
    }

    static let runsOnce = ofCalls("a call that does not bear repetition runs once at most, and once if it succeeds") {
        call, _ in
        !call.kind.bearsRepetition && (call.runCount > 1 || call.hasSucceeded && call.runCount == 0)
    }

    static let unsentIsUnrun = ofCalls("a call of which is said that it was not sent has not run") { call, _ in
        guard let error = call.failure as? MeshError, error.progress == .notSent else { return false }
        return call.runCount > 0
    }

    /// Of a service with one bad server a call that may be repeated succeeds all the same; with no bad server, and whatever
    /// happens to certificates, roots, and servers that are restarted as they should be, every call does.
    static let succeedsWhereItMust = ofCalls("no call fails without an excuse") { call, outcome in
        guard !call.hasSucceeded else { return false }
        return !outcome.schedule.contains { $0.excuses(call, outcome) }
    }

    static let healsWhollyAgain = Invariant(name: "every client is connected to all its servers again") { outcome in
        // A client connects with its first call.
        let links = Set(outcome.calls.map(\.client)).count * outcome.shape.linksEach
        return outcome.readyEndpoints == links ? [] : ["\(outcome.readyEndpoints) endpoints take calls, of \(links)"]
    }

    /// Refused by whom it calls, for its root and for nothing else, before anything is sent.
    static let retiredRootIsRefused = Invariant(name: "a certificate of a root that was given up gets nowhere") {
        outcome in
        switch outcome.laggard {
        case nil: return []
        case .served: return ["its call was answered"]
        case .refused(let error, let reasons):
            let isRefusal = { (reason: String) in
                reason.contains("[cause: untrustedIssuer: ") && reason.contains("/client/laggard")
            }
            guard error.progress == .notSent, error.code == .noEndpoint,
                (error.cause as? MeshError)?.code == .connectFailed, !reasons.isEmpty, reasons.allSatisfy(isRefusal)
            else { return ["it ended with \(error), and the servers say \(reasons)"] }
            return []
        }
    }

    static let leavesNothing = Invariant(name: "no connection is left when everything is closed") { outcome in
        outcome.connectionsLeft == 0 ? [] : ["\(outcome.connectionsLeft) are"]
    }
}

extension CallJournal.Call {
    /// How often it was run.
    fileprivate var runCount: Int { runs.count { !$0.isRefused } }
}

extension Disturbance {
    /// How long it may take until nothing is felt of it any more: connections are tried again after 2.2 s at the
    /// latest, and an endpoint that was left out after 6 s.
    private static let aftermath = Duration.seconds(9)

    /// Whether a call may have failed because of it.
    func excuses(_ call: CallJournal.Call, _ outcome: SimulationOutcome) -> Bool {
        let (isFelt, isWhole) = effect(on: call.service, outcome.shape)
        guard isFelt, isWhole || !call.kind.isRepeated, let callEnd = call.end else { return false }
        return outcome.time(callEnd) >= begin && outcome.time(call.begin) <= end + Self.aftermath
    }

    /// Whether a service may fail calls because of it, and whether it may as a whole.
    private func effect(on service: Int, _ shape: MeshSimulation.Shape) -> (isFelt: Bool, isWhole: Bool) {
        switch kind {
        case .restart, .rollingRestart, .rotation, .rootRotation: (false, false)
        case .behaves(_, .slow), .behaves(_, .sound): (false, false)
        case .crash(let server), .behaves(let server, _), .partition(let server, _):
            (server / shape.serversEach == service, false)
        case .outage(let other), .allBehave(let other, _): (other == service, true)
        }
    }
}
