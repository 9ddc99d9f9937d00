import Synchronization

/// A child of the launcher, and its answers to what the launcher asked.
///
/// Safe to share: its identity, and answers that nobody has asked for yet, are each guarded by a mutex. One task at a
/// time asks.
package final class FamilyMember: Sendable {
    package let process: ChildProcess
    /// The subcommand that it runs.
    package let role: String
    private let answers: AsyncStream<RoleReport>
    private let continuation: AsyncStream<RoleReport>.Continuation
    private let unasked = Mutex<[RoleReport]>([])
    private let identity = Mutex<String?>(nil)

    init(process: ChildProcess, role: String) {
        self.process = process
        self.role = role
        (answers, continuation) = AsyncStream.makeStream()
    }

    package var name: String { process.name }

    /// The SPIFFE ID of the certificate that the child reported when it was ready; nil until then.
    package var spiffeID: String? { identity.withLock { $0 } }

    /// The child's next answer of the kind that `choose` picks out; others wait for whoever asks for them.
    ///
    /// - Parameter timeout: how long the answer may take.
    /// - Throws: `LaunchError` when the child ended instead or took too long, `CancellationError` when the scope is
    ///   ending.
    package func answer<Answer: Sendable>(
        within timeout: Duration = .seconds(30), _ choose: @escaping @Sendable (RoleReport) -> Answer?
    ) async throws -> Answer {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask { try await self.next(choose) }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw LaunchError("\(self.name) did not answer within \(timeout)")
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }

    private func next<Answer>(_ choose: (RoleReport) -> Answer?) async throws -> Answer {
        let waiting = unasked.withLock { unasked -> Answer? in
            for (index, report) in unasked.enumerated() {
                guard let answer = choose(report) else { continue }
                unasked.remove(at: index)
                return answer
            }
            return nil
        }
        if let waiting { return waiting }
        for await report in answers {
            if let answer = choose(report) { return answer }
            unasked.withLock { $0.append(report) }
        }
        try Task.checkCancellation()
        throw LaunchError("\(name) ended before it answered")
    }

    /// Waits until the child has ended and everything that it reported has been read.
    package func drained() async -> ExitStatus {
        for await _ in answers {}
        return await process.waitForEnd()
    }

    /// Takes an answer, on the task that reads the child's reports.
    func deliver(_ answer: RoleReport) {
        if case .ready(let ready) = answer { identity.withLock { $0 = ready.spiffeID } }
        continuation.yield(answer)
    }

    /// Says that there will be no more.
    func finishAnswers() {
        continuation.finish()
    }
}
