import Identity
import Logging
import MeshWire
import NIOCore
import Telemetry

/// The servers of one client's destination, and which of them a call goes to: follows discovery, keeps a connection to
/// each, gives calls to those that are connected and not left out, and keeps calls back while there is none.
///
/// A destination that names one server has that one, ``only``, and nothing here is asked.
///
/// Sendable: everything mutable is touched on the client's event loop alone.
final class EndpointPool: @unchecked Sendable {
    let executor: LoopExecutor
    /// What the loop records on.
    let shard: LoopShard
    /// Ends the calls that wait, here or on the connections for small calls.
    let deadlines: DeadlineTimer
    /// The server of a destination that names one.
    let only: ClientEndpoint?
    /// How many of the calls may be repeated.
    let retryBudget: RetryBudget
    /// How many of them may be under way.
    let admission: AdmissionControl

    let core: ClientCore
    let destination: Destination
    /// What it goes by.
    var snapshot: ConfigurationSnapshot
    private var observation: UInt64?
    var balancer: Balancer
    /// Which endpoints would take calls, of which the balancer knows those that get them.
    private var tiers = EndpointTiers()
    var generator: SplitMix64
    /// By their slots.
    var endpoints: [ClientEndpoint?] = []
    var byPlace: [Endpoint: ClientEndpoint] = [:]
    var watch: ResolutionWatch?
    /// Why the resolver knows no endpoints.
    var resolutionFailure: String?
    var isResolved = false
    /// What the resolver has found last.
    var found: [ServiceEndpoint] = []
    var isStarted = false
    /// True while a new list of endpoints is worked in.
    var isApplying = false
    private(set) var isClosed = false

    /// The calls that wait for an endpoint.
    private var waiting = CircularBuffer<(MeshError?) -> Void>()
    /// The calls that wait for their places among those under way.
    var held: [AdmissionWait] = []
    /// Endpoints whose turn to be connected to has not come.
    var toDial = CircularBuffer<ClientEndpoint>()
    var dialing = 0
    private var isDialLoopRunning = false
    /// Those that have left the service, while their last calls are answered.
    var leaving: [ClientEndpoint] = []
    /// How many endpoints could not be connected to when that was last tried.
    var failing = 0
    /// How many are left out because their calls fail.
    var ejected = 0
    /// Since when no endpoint takes calls.
    var idleSince: RuntimeInstant
    private var failFast: Scheduled<Void>?
    /// True once calls have waited too long for an endpoint, until there is one.
    private var isFailingFast = false
    private let gauges: EndpointGauges
    /// Those that wait for connections ahead of need.
    let readiness = ReadinessWaits()

    /// How many connections a client makes at a time: handshakes take turns on one loop, and a hundred of them at once only
    /// makes all of them late.
    private static let dialsAtATime = 32
    /// How long a connection holds that counts as a success: a server that takes connections and closes them at once is not
    /// to be connected to without a pause.
    private static let lasting = Duration.seconds(1)

    init(_ core: ClientCore, _ destination: Destination, on loop: any EventLoop) {
        self.core = core
        self.destination = destination
        executor = core.runtime.loopExecutor(for: loop)
        shard = core.metrics.shards.shard(of: loop)
        deadlines = DeadlineTimer(executor, core.runtime)
        let snapshot = core.inForce.current
        self.snapshot = snapshot
        balancer = Balancer(snapshot.configuration.balancing)
        idleSince = core.runtime.now
        retryBudget = core.retryBudgets.budget(of: "\(destination)")
        admission = core.admissions.control(of: "\(destination)")
        gauges = core.metrics.endpoints("\(destination)")
        switch destination.place {
        case .endpoint(let endpoint):
            let server = ServerAddress(endpoint, of: destination)
            only = ClientEndpoint(server, ClientLanes(core, server, executor: executor, deadlines))
            generator = SplitMix64(seed: 0)
        case .service:
            only = nil
            generator = SplitMix64(seed: core.runtime.randomBits())
        }
        guard only == nil else { return }
        observation = core.inForce.observe { [weak self] _, _ in
            guard let self else { return }
            executor.eventLoop.execute { self.follow() }
        }
    }

    // MARK: Calls

    /// The endpoint for a call, if there is one now; the call has begun there.
    ///
    /// - Parameters:
    ///   - affinity: see ``Balancer/pick(affinity:avoiding:now:using:)``.
    ///   - isTimed: see ``EndpointPlacement/isTimed``.
    func place(
        affinity: UInt64?, avoiding tried: Balancer.Tried, isTimed: Bool, now: RuntimeInstant
    ) -> EndpointPlacement? {
        guard !isClosed else { return nil }
        // Who calls after a change goes by it, although the pool may not have been told yet.
        if snapshot.number != core.inForce.number { follow() }
        start()
        var avoided = tried
        var full: ClientEndpoint?
        for _ in 0..<4 {
            guard let slot = balancer.pick(affinity: affinity, avoiding: avoided, now: now, using: &generator),
                let endpoint = endpoints[slot]
            else { break }
            // It rather waits where it has not been than goes back to where it has failed.
            if full != nil, tried.contains(slot) { break }
            let lane = endpoint.lanes.small
            if lane.ready != nil { return began(endpoint, slot, isTimed, now) }
            guard lane.isUp else {
                // Its server has said that it takes no more.
                lane.changed()
                if balancer.isReady(slot) { lost(endpoint) }
                continue
            }
            // There is no room on it, or it is to be replaced or judged anew. Of several such the first is the best.
            full = full ?? endpoint
            avoided.note(slot)
        }
        guard let full, let slot = full.slot else { return nil }
        return began(full, slot, isTimed, now)
    }

    /// Whether another endpoint takes calls.
    func hasOther(than slot: Int) -> Bool { balancer.readyCount > (balancer.isReady(slot) ? 1 : 0) }

    /// Calls `body` without an error when it is worth to ask again for an endpoint, or with the reason why there is none.
    func wait(_ body: @escaping (MeshError?) -> Void) {
        if let error = hopelessness { return body(error) }
        guard waiting.count < core.configuration.callsAwaitingConnection else {
            return body(noEndpoint("\(waiting.count) calls already wait for one"))
        }
        waiting.append(body)
        gauges.set(waiting: waiting.count)
        guard balancer.readyCount > 0 else { return watchTheClock() }
        // Those that it was tried with have gone meanwhile.
        executor.eventLoop.execute { self.release(nil) }
    }

    /// Calls `body` with the connection for small calls to some server, when there is one.
    func withConnection(_ body: @escaping (Result<ClientConnection, MeshError>) -> Void) {
        let lane: ConnectionKeeper
        if let only {
            lane = only.lanes.small
        } else if let placement = place(
            affinity: nil, avoiding: Balancer.Tried(), isTimed: false, now: core.runtime.now)
        {
            // Nothing is called there.
            ended(placement, .unknown)
            lane = placement.endpoint.lanes.small
        } else {
            return wait { error in
                if let error { body(.failure(error)) } else { self.withConnection(body) }
            }
        }
        lane.withConnection { connection, error in
            if let connection { return body(.success(connection)) }
            body(.failure(error ?? MeshError(.connectFailed, "no connection")))
        }
    }

    /// What a call is told that need not wait.
    var hopelessness: MeshError? {
        if isClosed {
            return MeshError(.draining, "the client is closed", progress: .notSent, peer: "\(destination)")
        }
        if let failure = resolutionFailure, balancer.count == 0 { return noEndpoint(failure) }
        if isFailingFast { return noEndpoint("none has for \(configuration.failfastTimeout)") }
        return unreachability
    }

    private func began(
        _ endpoint: ClientEndpoint, _ slot: Int, _ isTimed: Bool, _ now: RuntimeInstant
    ) -> EndpointPlacement {
        balancer.began(slot, isTimed: isTimed, now: now)
        let isProbe = endpoint.accrual?.state == .probation
        if isProbe {
            endpoint.accrual?.began()
            refresh(endpoint)
        }
        return EndpointPlacement(
            pool: self, endpoint: endpoint, slot: slot, start: now, isTimed: isTimed, isProbe: isProbe,
            choice: CallRecord.Choice(ready: balancer.readyCount, ejected: ejected))
    }

    /// A probe has an answer, although it has not ended.
    func answered(_ placement: EndpointPlacement) {
        if placement.endpoint.slot != nil, !isClosed { judge(placement, .success) }
    }

    /// A call at an endpoint has ended.
    func ended(_ placement: EndpointPlacement, _ outcome: EndpointOutcome) {
        let (endpoint, now) = (placement.endpoint, core.runtime.now)
        // One that has left the service is of no interest.
        guard let slot = endpoint.slot, !isClosed else { return }
        balancer.ended(
            slot, outcome, after: placement.isTimed ? placement.start.duration(to: now) : nil, now: now)
        judge(placement, outcome)
    }

    private func judge(_ placement: EndpointPlacement, _ outcome: EndpointOutcome) {
        let (endpoint, now) = (placement.endpoint, core.runtime.now)
        guard let before = endpoint.accrual?.state else { return }
        // Calls from before do not decide about an endpoint that is being probed.
        if before == .probing, !placement.isProbe { return }
        let share = snapshot.configuration.failureAccrual?.maximumEjectedShare ?? 0
        endpoint.accrual?.ended(
            outcome, mayOpen: Double(ejected + 1) <= share * Double(balancer.count), now: now,
            chance: generator.nextUnit())
        guard let after = endpoint.accrual?.state, after != before else { return }
        changed(endpoint, from: before, to: after, outcome)
    }

    // MARK: Failure accrual

    private func changed(
        _ endpoint: ClientEndpoint, from before: FailureAccrual.State, to after: FailureAccrual.State,
        _ outcome: EndpointOutcome
    ) {
        if case .open(let until) = after {
            if before == .closed { ejected += 1 }
            let pause = core.runtime.now.duration(to: until)
            core.logger.warning(
                "endpoint is left out, its calls fail",
                metadata: [
                    "service": "\(destination)", "endpoint": "\(endpoint.server)", "last": "\(outcome)",
                    "for": "\(pause)",
                ])
            gauges.ejected()
            penalize(endpoint, for: pause)
        } else if after == .closed {
            ejected -= 1
            core.logger.info(
                "endpoint takes calls again",
                metadata: ["service": "\(destination)", "endpoint": "\(endpoint.server)"])
        }
        refresh(endpoint)
    }

    /// Has an endpoint be tried again after `pause`.
    func penalize(_ endpoint: ClientEndpoint, for pause: Duration) {
        endpoint.penalty = schedule(in: pause) { [weak self, weak endpoint] in
            guard let self, let endpoint, endpoint.slot != nil else { return }
            endpoint.accrual?.penaltyEnded()
            self.refresh(endpoint)
        }
    }

    /// Tells the balancer whether an endpoint takes calls, and those that wait if one does.
    func refresh(_ endpoint: ClientEndpoint) {
        guard let slot = endpoint.slot, !isClosed else { return }
        let now = core.runtime.now
        let (before, takesCalls) = (balancer.readyCount, endpoint.takesCalls)
        setTier(slot, takesCalls ? endpoint.found?.priority ?? 0 : nil, now)
        balancer.setReady(slot, tiers.takesCalls(slot), now: now)
        if before > 0, balancer.readyCount == 0 { isIdle(since: now) }
        count()
        guard takesCalls else { return }
        isFailingFast = false
        release(nil)
    }

    /// No endpoint takes calls any more.
    func isIdle(since now: RuntimeInstant) {
        idleSince = now
        if !held.isEmpty { watchTheClock() }
    }

    /// Notes whether an endpoint would take calls; where that decides which others get them, tells the balancer.
    func setTier(_ slot: Int, _ priority: UInt16?, _ now: RuntimeInstant) {
        guard tiers.set(slot, priority) else { return }
        for other in endpoints {
            if let slot = other?.slot { balancer.setReady(slot, tiers.takesCalls(slot), now: now) }
        }
    }

    func count() {
        if isClosed || isApplying { return }
        gauges.set(ready: balancer.readyCount, ejected: ejected, all: balancer.count)
        readiness.changed(connected: tiers.count, of: isResolved ? balancer.count : nil)
    }

    // MARK: Connections

    func dial() {
        // One that fails at once comes here again.
        guard !isDialLoopRunning, !isClosed else { return }
        isDialLoopRunning = true
        defer { isDialLoopRunning = false }
        while dialing < Self.dialsAtATime, let endpoint = toDial.popFirst() {
            guard endpoint.slot != nil, !endpoint.isDialing else { continue }
            if endpoint.lanes.small.isUp {
                refresh(endpoint)
                continue
            }
            endpoint.isDialing = true
            dialing += 1
            endpoint.lanes.small.connectIfNeeded()
        }
    }

    func noted(_ change: ConnectionKeeper.Change, of endpoint: ClientEndpoint) {
        guard endpoint.slot != nil else { return }
        switch change {
        case .up:
            dialed(endpoint)
            if endpoint.lastError != nil { failing -= 1 }
            (endpoint.lastError, endpoint.upSince) = (nil, core.runtime.now)
            refresh(endpoint)
        case .down:
            lost(endpoint)
        case .failed(let error):
            // A call may have tried by itself, to the one server that it may go to.
            let wasDialing = endpoint.isDialing
            dialed(endpoint)
            if endpoint.lastError == nil { failing += 1 }
            endpoint.lastError = error
            refresh(endpoint)
            if wasDialing { failed(endpoint) }
            if let error = hopelessness { release(error) }
        }
        dial()
    }

    private func dialed(_ endpoint: ClientEndpoint) {
        guard endpoint.isDialing else { return }
        endpoint.isDialing = false
        dialing -= 1
    }

    /// An endpoint's connection takes no more calls: another one is made, after a pause if it has not lasted.
    private func lost(_ endpoint: ClientEndpoint) {
        refresh(endpoint)
        guard endpoint.upSince.duration(to: core.runtime.now) < Self.lasting else {
            endpoint.failures = 0
            return redial(endpoint)
        }
        failed(endpoint)
    }

    private func failed(_ endpoint: ClientEndpoint) {
        endpoint.failures += 1
        redialLater(endpoint)
    }

    /// Tries to connect again after the pause that so many failures have.
    func redialLater(_ endpoint: ClientEndpoint) {
        let pause = configuration.connectBackoff.pause(after: endpoint.failures, chance: generator.nextUnit())
        endpoint.redial?.cancel()
        endpoint.redial = schedule(in: pause) { [weak self, weak endpoint] in
            guard let self, let endpoint else { return }
            endpoint.redial = nil
            self.redial(endpoint)
        }
    }

    private func redial(_ endpoint: ClientEndpoint) {
        guard endpoint.slot != nil else { return }
        toDial.append(endpoint)
        dial()
    }

    // MARK: Calls that wait

    private func noEndpoint(_ reason: String) -> MeshError {
        MeshError(
            .noEndpoint, "no endpoint of \(destination) takes calls: \(reason)", progress: .notSent,
            peer: "\(destination)")
    }

    /// Why it is no use to wait: every endpoint has been tried, and none could be connected to.
    private var unreachability: MeshError? {
        guard failing > 0, failing == balancer.count else { return nil }
        let errors = endpoints.compactMap { $0?.lastError }
        // What will not pass by itself must not be tried again as if it did; what may for one of them, may.
        guard let error = errors.first(where: { $0.code.mayPass }) ?? errors.first else { return nil }
        var failure = noEndpoint("\(error.message) (and so for all \(failing))")
        if !error.code.mayPass { failure.code = error.code }
        failure.cause = error
        return failure
    }

    /// Tells those that wait to ask again, or why there is nothing to ask for.
    func release(_ error: MeshError?) {
        // Who begins to wait meanwhile is told the next time.
        var count = waiting.count
        while count > 0, error != nil || balancer.readyCount > 0, let body = waiting.popFirst() {
            count -= 1
            body(error)
        }
        if let error { failHeld(error) }
        gauges.set(waiting: waiting.count)
        guard waiting.isEmpty, held.isEmpty || balancer.readyCount > 0 else {
            if balancer.readyCount == 0 { watchTheClock() }
            return
        }
        failFast?.cancel()
        failFast = nil
    }

    func watchTheClock() {
        guard failFast == nil, !waiting.isEmpty || !held.isEmpty else { return }
        let limit = idleSince.advanced(by: configuration.failfastTimeout)
        failFast = schedule(in: core.runtime.now.duration(to: limit)) { [weak self] in self?.waitedTooLong() }
    }

    /// Takes up another ``DynamicConfiguration/failfastTimeout``.
    func watchAnew() {
        failFast?.cancel()
        failFast = nil
        if idleSince.duration(to: core.runtime.now) < configuration.failfastTimeout { isFailingFast = false }
        if balancer.readyCount == 0 { watchTheClock() }
    }

    private func waitedTooLong() {
        failFast = nil
        guard balancer.readyCount == 0 else { return release(nil) }
        isFailingFast = true
        let known = isResolved ? "\(balancer.count) are known" : "the resolver has not answered"
        let error = noEndpoint("none has for \(configuration.failfastTimeout); \(known)")
        core.logger.warning("calls fail fast", metadata: ["service": "\(destination)", "error": "\(error)"])
        release(error)
    }

    func schedule(in pause: Duration, _ body: @escaping @Sendable () -> Void) -> Scheduled<Void> {
        executor.eventLoop.scheduleTask(in: .nanoseconds(max(0, pause.inNanoseconds)), body)
    }

    // MARK: The end

    /// Ends all connections; open calls fail, and later ones. From any thread.
    func close() {
        let loop = executor.eventLoop
        if loop.inEventLoop { end() } else { loop.execute { self.end() } }
    }

    private func end() {
        guard !isClosed else { return }
        gauges.set(ready: 0, ejected: 0, all: 0)
        isClosed = true
        if let observation { core.inForce.forget(observation) }
        watch?.cancel()
        let error = MeshError(.draining, "the client is closed", progress: .notSent, peer: "\(destination)")
        for endpoint in [only] + endpoints + leaving {
            endpoint?.redial?.cancel()
            endpoint?.penalty?.cancel()
            endpoint?.lanes.close()
        }
        release(error)
        readiness.fail(error)
        deadlines.stop(error)
    }
}
