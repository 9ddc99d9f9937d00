import MeshWire
import Synchronization
public import Tensor

extension ParameterClient {
    /// What came of a step that was pushed while it was computed.
    public struct Step<Result: Sendable>: Sendable {
        /// What the computation returned.
        public var result: Result
        /// What became of the pushes.
        public var report: PushReport
        /// The dense parameters after the step, for the next one; none unless they were asked for.
        public var parameters: NamedTensors
        /// What happened when.
        public var timeline: StepTimeline
    }

    /// Takes a step whose gradients leave while others are still being computed: from the last layer to the first,
    /// small ones fused (``ParameterClientConfiguration/fragmentBytes``), the first layers' with the urgent priority.
    ///
    /// ```swift
    /// let step = try await client.step { push in
    ///     try valueAndGradient(at: parameters, onFinal: { push.add($1, of: $0) }) { try loss($0) }.value.scalar
    /// }
    /// parameters = step.parameters
    /// ```
    /// Each table's new values are asked for as soon as its push is answered: they have this step, and of the steps of
    /// others what had been applied by then. With bounded staleness all are asked for together, once the others know of
    /// the step, as ``pull()`` does. A gradient that is not finite is rejected by its partitions, and the others apply
    /// their share: nothing of a step is looked at before it leaves, whatever
    /// ``ParameterClientConfiguration/checksBeforeSend`` says. Gradients that depend on the whole step, as clipping by
    /// the global norm makes them, are for ``push(_:)``.
    ///
    /// - Parameters:
    ///   - pulled: the rows that gradients of row tables are computed from; default those that were pulled last.
    ///   - pullsNext: whether the dense parameters are pulled for the next step.
    ///   - body: computes the gradients and adds each to the step; it must not keep it.
    /// - Throws: ``ParameterServerError`` with `unknownParameter`, `shapeMismatch`, `dtypeMismatch`, `rowOutOfRange` or
    ///   `malformedRequest` for a gradient that does not fit, comes twice or is missing, `invalidConfiguration` where
    ///   tables take rounds or ``ParameterClientConfiguration/globalNormLimit`` is set; what the observer or `body`
    ///   throws; what ``pull()`` throws. What has left by then is applied or refused as it is.
    public func step<Result: Sendable>(
        computedFrom pulled: PulledRows? = nil, pullsNext: Bool = true,
        _ body: (StepPush) async throws -> Result
    ) async throws -> Step<Result> {
        let push = try StepPush(self, computedFrom: pulled, pullsNext: pullsNext)
        let result: Result
        do {
            result = try await body(push)
        } catch {
            await push.abandon()
            throw error
        }
        let (report, parameters, timeline) = try await push.finish()
        return Step(result: result, report: report, parameters: parameters, timeline: timeline)
    }

    /// Some of the dense tables.
    func pull(
        _ tables: Set<String>, until deadline: RuntimeInstant, priority: CallPriority
    ) async throws(ParameterServerError) -> NamedTensors {
        let seen = state.withLock { $0.seen }
        let pull = ParameterPull(
            routes: routes, deadline: deadline, tables: tables, priority: priority, encodings: pullEncodings)
        let result = try await pull.run(minimums: seen)
        pulled(result.versions)
        return result.parameters
    }
}
