import MeshWire

/// Step 5 of a call to a destination that has a limit.
extension ClientStack {
    /// A place for the next attempt among those under way, now or when its turn comes.
    ///
    /// - Returns: `nil` if it needs none.
    nonisolated(nonsending) func admitted(
        _ course: inout CallCourse, until deadline: RuntimeInstant
    ) async throws(MeshError) -> AdmissionPermit? {
        while true {
            course.asksForPlace()
            switch pool.admission.arrive(request, until: deadline, now: course.now) {
            case .admitted(let permit): return permit
            case .refused(let reason): throw course.shed(shed(reason))
            case .waits(let wait):
                switch await end(of: wait) {
                case .admitted(let permit):
                    course.hasPlace(at: runtime.now)
                    return permit
                case .refused(let reason): throw course.shed(shed(reason))
                case .cancelled: throw course.shed(cancelledBefore)
                case .failed(let error):
                    let failure: AttemptFailure = error.code.mayPass ? .notRun : .final
                    try await follow(course.failed(error, failure, at: nil), &course)
                }
            }
        }
    }

    nonisolated(nonsending) private func end(of wait: AdmissionWait) async -> AdmissionWait.End {
        let (pool, control) = (pool, pool.admission)
        pool.execute { pool.holds(wait) }
        control.watchDeadlines(on: pool.executor.eventLoop)
        let end = await withTaskCancellationHandler {
            await withCheckedContinuation { wait.begin($0) }
        } onCancel: {
            control.end(wait, .cancelled)
        }
        pool.execute { pool.letsGo(wait) }
        return end
    }

    private func shed(_ reason: AdmissionRefusal) -> MeshError {
        MeshError(
            reason == .expired ? .deadlineExceeded : .loadShed,
            "\(request.method.path): as many calls are under way at \(pool.destination) as may be, and \(reason.description)",
            progress: .notSent, peer: request.method.destination)
    }
}
