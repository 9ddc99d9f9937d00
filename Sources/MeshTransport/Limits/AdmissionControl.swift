package import MeshWire
import NIOCore
import Synchronization
package import Telemetry

/// The limit of one destination, as all clients of a mesh share it: who has a place, and who waits for one. Safe from any
/// thread.
///
/// A mutex and not an event loop guards it, since clients of one destination are on several loops, and a caller that
/// finds a place free is not to hop for it.
package final class AdmissionControl: Sendable {
    /// What becomes of an attempt that asks for a place.
    enum Arrival {
        /// It has one; `nil` if it counts nowhere.
        case admitted(AdmissionPermit?)
        case waits(AdmissionWait)
        case refused(AdmissionRefusal)
    }

    /// One that has waited, and how that ends.
    private typealias Ending = (wait: AdmissionWait, end: AdmissionWait.End)

    private struct State {
        var machine = AdmissionState<AdmissionWait>(nil)
        /// From the first rule on.
        var series: AdmissionSeries?
        var generator = SplitMix64(seed: 0)
        /// What the gauge says.
        var shownLimit = 0
        /// When the timer fires that is set for those that wait.
        var armed: RuntimeInstant?

        mutating func showLimit() {
            let limit = machine.limit == .max ? 0 : machine.limit
            guard limit != shownLimit else { return }
            series?.limit.add(Double(limit - shownLimit))
            shownLimit = limit
        }

        /// One has left the queue.
        mutating func left(_ wait: AdmissionWait) {
            wait.ticket = nil
            series?.depth.add(-1)
        }
    }

    private let state = Mutex(State())
    private let limiting = Atomic(false)
    private let runtime: any Runtime
    private let makeSeries: @Sendable () -> AdmissionSeries

    /// - Parameter series: is asked once there is a rule.
    init(_ runtime: any Runtime, series: @escaping @Sendable () -> AdmissionSeries) {
        self.runtime = runtime
        makeSeries = series
    }

    // The gauge is of all that there are for a service.
    deinit { state.withLock { $0.series?.limit.add(-Double($0.shownLimit)) } }

    /// One by itself, of a destination that has no calls.
    package convenience init(_ rule: AdmissionRule, _ runtime: any Runtime, _ metrics: MetricsRegistry) {
        self.init(runtime) { AdmissionMetrics(metrics).series("alone") }
        follow(rule)
    }

    /// Whether there is a limit: what those pay for who have none.
    var isLimiting: Bool { limiting.load(ordering: .relaxed) }

    /// Goes by another rule; `nil` for none. Attempts that have a place keep it and count, and none that began without a
    /// limit does.
    func follow(_ rule: AdmissionRule?) {
        let now = runtime.now
        state.withLock { state in
            if rule != nil, state.series == nil {
                state.series = makeSeries()
                state.generator = SplitMix64(seed: runtime.randomBits())
            }
            state.machine.follow(rule)
            state.showLimit()
        }
        limiting.store(rule != nil, ordering: .relaxed)
        serve(now)
    }

    // MARK: Attempts

    /// An attempt asks for a place.
    func arrive(_ request: CallRequest, until deadline: RuntimeInstant, now: RuntimeInstant) -> Arrival {
        let (method, priority) = (request.method, request.priority)
        var (evicted, hasRisen) = (nil as AdmissionWait?, false)
        let arrival: Arrival = state.withLock { state in
            let before = state.machine.limit
            defer {
                hasRisen = state.machine.limit > before
                state.showLimit()
            }
            guard state.machine.counts(method.kind) else { return .admitted(nil) }
            let chance = state.generator.nextUnit()
            switch state.machine.arrive(
                AdmissionWait(method), priority, isStream: method.kind != .unary,
                likely: method.serviceTime.known.likely, until: deadline, now: now, chance: chance)
            {
            case .admitted:
                state.series?.inFlight.add(1)
                return .admitted(AdmissionPermit(self, since: now))
            case .refused(let reason):
                state.series?.shed(priority, reason)
                return .refused(reason)
            case .waits(let ticket, let other):
                if let (wait, priority) = other {
                    state.left(wait)
                    state.series?.shed(priority, .evicted)
                    evicted = wait
                }
                guard let wait = state.machine.waiter(of: ticket) else {
                    preconditionFailure("an attempt that waits is not in the queue")
                }
                wait.ticket = ticket
                state.series?.depth.add(1)
                return .waits(wait)
            }
        }
        evicted?.finish(.refused(.evicted))
        if hasRisen { serve(now) }
        return arrival
    }

    /// A place for an attempt that does not wait for one, if one is free.
    func takeFree(now: RuntimeInstant) -> AdmissionPermit? {
        state.withLock { state in
            guard state.machine.takeFree() else { return nil }
            state.series?.inFlight.add(1)
            return AdmissionPermit(self, since: now)
        }
    }

    /// Takes a place, if one is free, and gives it back.
    package func pass(at now: RuntimeInstant, after time: Duration) -> Bool {
        guard takeFree(now: now) != nil else { return false }
        ended(after: time.inNanoseconds, tellsTime: true, isStream: false, now: now)
        return true
    }

    /// An attempt has given its place back.
    func ended(after time: Int64?, tellsTime: Bool, isStream: Bool, now: RuntimeInstant) {
        let ending: Ending? = state.withLock { state in
            let chance = state.generator.nextUnit()
            state.machine.ended(
                after: time, tellsTime: tellsTime, isStream: isStream, now: now, chance: chance)
            state.series?.inFlight.add(-1)
            state.showLimit()
            return next(&state, now)
        }
        guard let ending else { return }
        ending.wait.finish(ending.end)
        serve(now)
    }

    /// Ends a wait, if it has not ended.
    ///
    /// - Parameter reason: what it counts as; `nil` for nothing.
    func end(_ wait: AdmissionWait, _ end: AdmissionWait.End, as reason: AdmissionRefusal? = nil) {
        let wasWaiting = state.withLock { state in
            guard let ticket = wait.ticket else { return false }
            if let reason { state.series?.shed(state.machine.priority(of: ticket), reason) }
            _ = state.machine.leave(ticket)
            state.left(wait)
            return true
        }
        if wasWaiting { wait.finish(end) }
    }

    /// Gives the places that are free to those that wait.
    private func serve(_ now: RuntimeInstant) {
        while let ending = state.withLock({ next(&$0, now) }) { ending.wait.finish(ending.end) }
    }

    private func next(_ state: inout State, _ now: RuntimeInstant) -> Ending? {
        let turn = state.machine.next(now: now) {
            $0.method.serviceTime.known.mean ?? 0
        } isStream: {
            $0.method.kind != .unary
        }
        switch turn {
        case nil:
            return nil
        case .admitted(let wait, let waited):
            state.left(wait)
            state.series?.inFlight.add(1)
            state.series?.wait.record(nanoseconds: waited.inNanoseconds)
            return (wait, .admitted(AdmissionPermit(self, since: now)))
        case .refused(let wait, let priority, let reason):
            state.left(wait)
            state.series?.shed(priority, reason)
            return (wait, .refused(reason))
        }
    }

    // MARK: Deadlines

    /// Has those that wait end at their deadlines, with one timer for all, on whichever loop had somebody wait.
    func watchDeadlines(on loop: any EventLoop) {
        let deadline: RuntimeInstant? = state.withLock { state in
            guard let next = state.machine.nextDeadline, state.armed.map({ next < $0 }) ?? true else { return nil }
            state.armed = next
            return next
        }
        guard let deadline else { return }
        _ = loop.scheduleTask(in: .nanoseconds(max(0, runtime.now.nanoseconds(to: deadline)))) { [weak self] in
            self?.expire(deadline, on: loop)
        }
    }

    private func expire(_ deadline: RuntimeInstant, on loop: any EventLoop) {
        let now = runtime.now
        state.withLock { state in
            if state.armed == deadline { state.armed = nil }
            state.machine.look(now, state.generator.nextUnit())
            state.showLimit()
        }
        while let wait = state.withLock({ expired(&$0, now) }) { wait.finish(.refused(.expired)) }
        serve(now)
        watchDeadlines(on: loop)
    }

    private func expired(_ state: inout State, _ now: RuntimeInstant) -> AdmissionWait? {
        guard let (wait, priority) = state.machine.expired(now: now) else { return nil }
        state.left(wait)
        state.series?.shed(priority, .expired)
        return wait
    }

    // MARK: For people

    /// How things stand; `nil` where there is no limit.
    func report(_ priority: CallPriority) -> AdmissionReport? {
        state.withLock { state in
            guard let rule = state.machine.rule else { return nil }
            return AdmissionReport(
                rule: rule.name, running: state.machine.running, limit: state.machine.limit,
                waiting: state.machine.waiting,
                expectedWait: .nanoseconds(Int64(min(state.machine.expectedWait(priority), 1e18))))
        }
    }
}
