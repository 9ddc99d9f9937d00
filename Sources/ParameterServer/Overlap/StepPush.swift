import MeshWire
import Synchronization
public import Tensor

/// A step whose gradients leave while others are still being computed; made by
/// ``ParameterClient/step(computedFrom:pullsNext:_:)``.
///
/// Gradients are added from any thread, each table's once; nothing waits. They leave in fragments, a bounded number at
/// a time, on the runtime's task executor: what is computed meanwhile is fused into larger ones. Guarded by a mutex,
/// which is not held across a call.
public final class StepPush: Sendable {
    private struct State {
        var fragments: StepFragments
        /// The gradients that have not left, by table.
        var waiting: [Int: StepGradient] = [:]
        var arrived: Set<Int> = []
        var senders: [Task<Void, Never>] = []
        var running = 0
        var isEnded = false
        var failure: (any Error)?
        var report = PushReport()
        var pushes: [PushIdentity] = []
        var parameters: [Int: AnyTensor] = [:]
        var timeline: StepTimeline
    }

    private let client: ParameterClient
    private let tables: TableSet
    private let pulled: PulledRows?
    private let pullsNext: Bool
    /// Whether tables are pulled as their pushes are answered. With bounded staleness the pull may have to wait for
    /// others, and comes when they know of this step.
    private var pullsEarly: Bool { pullsNext && clock == 0 }
    /// That of the step with bounded staleness, else 0.
    private let clock: UInt64
    private let deadline: RuntimeInstant
    private let state: Mutex<State>

    init(
        _ client: ParameterClient, computedFrom pulled: PulledRows?, pullsNext: Bool
    ) throws(ParameterServerError) {
        self.client = client
        self.pulled = pulled
        self.pullsNext = pullsNext
        tables = try client.routes.tables()
        guard !tables.hasRounds else {
            throw ParameterServerError(
                .invalidConfiguration, "a step of tables that take rounds leaves as a whole: push it so")
        }
        guard client.configuration.globalNormLimit == nil else {
            throw ParameterServerError(
                .invalidConfiguration, "a step whose global norm is limited leaves when all of it is there: push it so")
        }
        clock = client.nextClock()
        let now = client.runtime.now
        deadline = now.advanced(by: client.configuration.timeout)
        state = Mutex(
            State(
                fragments: StepFragments(
                    tableBytes: tables.tables.map {
                        $0.rows == nil ? $0.shape.elementCount * DType.float32.byteWidth : 0
                    },
                    fragmentBytes: client.configuration.fragmentBytes),
                timeline: StepTimeline(began: now, computed: now, ended: now)))
    }

    /// A table's gradient is final. One that does not fit, or comes twice, ends the step: nothing more of it leaves,
    /// and the step throws why. After the computation's end nothing is added.
    public func add(_ gradient: Gradient, of name: String) { add(name, gradient, nil) }

    /// The gradient of rows of a table is final, whose keys are any 64-bit numbers.
    public func add(_ rows: KeyedRows, of name: String) { add(name, nil, rows) }

    /// The gradient of rows that a batch has named by their keys is final, as the model computed it: of the rows that
    /// were looked up, in the lookup's order.
    public func add(_ gradient: Gradient, of name: String, lookedUpBy lookup: RowLookup) {
        do throws(TensorError) {
            add(name, nil, try lookup.rows(of: gradient, named: name))
        } catch {
            fail(
                ParameterServerError(
                    .shapeMismatch, "the gradient of \(name) cannot be sent: \(error.message)", cause: error))
        }
    }

    private func add(_ name: String, _ gradient: Gradient?, _ rows: KeyedRows?) {
        let step: (table: Int, gradient: StepGradient)
        do throws(ParameterServerError) {
            guard let index = tables.tables.firstIndex(where: { $0.name == name }) else {
                throw ParameterServerError(.unknownParameter, "there is a gradient of \(name), which is not declared")
            }
            let table = tables.tables[index]
            try tables.check(gradient, rows, of: table)
            step = (index, try tables.flatten(gradient, rows, of: table))
        } catch {
            return fail(error)
        }
        let now = client.runtime.now
        state.withLock { state in
            guard !state.isEnded, state.failure == nil else { return }
            guard state.arrived.insert(step.table).inserted else {
                state.failure = ParameterServerError(
                    .malformedRequest, "there are two gradients of \(name) in one step")
                return
            }
            state.timeline.computed = now
            state.waiting[step.table] = step.gradient
            state.fragments.add(step.table, byteCount: step.gradient.byteCount)
            startSender(&state)
        }
    }

    /// Waits until all that was added is answered.
    ///
    /// - Throws: what stopped the step; what has left by then stays applied.
    func finish() async throws -> (report: PushReport, parameters: NamedTensors, timeline: StepTimeline) {
        state.withLock { state in
            state.isEnded = true
            let missing = tables.tables.indices.first { tables.tables[$0].rows == nil && !state.arrived.contains($0) }
            if let missing, state.failure == nil {
                state.failure = ParameterServerError(
                    .unknownParameter, "there is no gradient with values of \(tables.tables[missing].name)")
            }
            state.fragments.complete()
            startSender(&state)
        }
        await sendersEnd()
        let (pushes, failure) = state.withLock { ($0.pushes, $0.failure) }
        if let failure {
            client.finish(clock)
            throw failure
        }
        let tickFailure = clock > 0 ? await client.tellOthers(clock, but: pushes, until: deadline) : nil
        client.finish(clock)
        let later = pullsNext && !pullsEarly ? try await client.pull() : nil
        let now = client.runtime.now
        return state.withLock { state in
            state.report.tickFailure = tickFailure
            state.timeline.ended = now
            if let later { return (state.report, later, state.timeline) }
            var parameters = NamedTensors()
            for (index, table) in tables.tables.enumerated() { parameters[table.name] = state.parameters[index] }
            return (state.report, parameters, state.timeline)
        }
    }

    /// Lets go of what has not left, and waits for what has.
    func abandon() async {
        fail(CancellationError())
        await sendersEnd()
        client.finish(clock)
    }

    private func fail(_ error: any Error) {
        state.withLock { state in
            state.failure = state.failure ?? error
            state.waiting = [:]
        }
    }

    private func sendersEnd() async {
        // None is started after the end.
        let senders = state.withLock { $0.senders }
        await withTaskCancellationHandler {
            for sender in senders { await sender.value }
        } onCancel: {
            for sender in senders { sender.cancel() }
        }
    }

    /// Starts a task for a fragment that shall leave, unless as many are under way as may be: then one of them sends
    /// it.
    private func startSender(_ state: inout State) {
        guard state.running < client.configuration.fragmentsInFlight, let fragment = next(&state) else { return }
        state.running += 1
        let runtime = client.runtime
        state.senders.append(
            runtime.spawn(on: runtime.taskExecutor) { [self] in
                var fragment: (StepFragments.Fragment, [StepGradient], Int)? = fragment
                while let sent = fragment {
                    await send(sent.0, sent.1, as: sent.2)
                    fragment = self.state.withLock { state in
                        let next = self.next(&state)
                        if next == nil { state.running -= 1 }
                        return next
                    }
                }
            })
    }

    /// The next fragment with the gradients of all tables, and its number.
    private func next(_ state: inout State) -> (StepFragments.Fragment, [StepGradient], Int)? {
        guard state.failure == nil, let fragment = state.fragments.next() else { return nil }
        var gradients = Array(repeating: StepGradient.nothing, count: tables.tables.count)
        for table in fragment.tables { gradients[table] = state.waiting.removeValue(forKey: table) ?? .nothing }
        state.timeline.fragments.append(
            StepTimeline.Fragment(
                tables: fragment.tables.map { tables.tables[$0].name }, byteCount: fragment.byteCount,
                isUrgent: fragment.priority == .urgent, left: client.runtime.now))
        return (fragment, gradients, state.timeline.fragments.count - 1)
    }

    private func send(_ fragment: StepFragments.Fragment, _ gradients: [StepGradient], as number: Int) async {
        do {
            let (report, pushes) = try await client.push(
                gradients, of: tables, computedFrom: pulled, clock: clock, until: deadline, priority: fragment.priority)
            let answered = client.runtime.now
            state.withLock { state in
                state.report.add(report)
                state.pushes += pushes
                state.timeline.fragments[number].answered = answered
            }
            guard pullsEarly else { return }
            let dense = Set(fragment.tables.filter { tables.tables[$0].rows == nil })
            guard !dense.isEmpty else { return }
            let parameters = try await client.pull(
                Set(dense.map { tables.tables[$0].name }), until: deadline, priority: fragment.priority)
            let pulled = client.runtime.now
            state.withLock { state in
                for table in dense { state.parameters[table] = parameters[tables.tables[table].name] }
                state.timeline.fragments[number].pulled = pulled
            }
        } catch {
            fail(error)
        }
    }
}
