import Synchronization

/// The launcher's children, from the first start to the last reaped process.
///
/// Each child's reports are read by a task of its own, in order, until its channel ends; then the child is reaped. A
/// child that ends without being expected to ends the whole scope with an error that names it.
package final class ChildFamily: Sendable {
    /// Where reports that arrive unasked go, on the reading task of the child that sent them.
    package typealias Observer = @Sendable (_ child: FamilyMember, _ report: RoleReport) -> Void

    /// How long children have between `stop` and SIGKILL.
    private static let grace = Duration.seconds(5)

    private struct State {
        var members: [FamilyMember] = []
        var isEnding = false
        var expectsStopSignal = false
        /// Why the first child ended unexpectedly: the cause of whatever fails after it.
        var firstFailure: LaunchError?
        /// How the first child that was asked to finish did something else.
        var firstUncleanEnd: LaunchError?
    }

    private let executable: String
    private let observer: Observer
    private let state = Mutex(State())
    private let started: AsyncStream<FamilyMember>
    private let startedContinuation: AsyncStream<FamilyMember>.Continuation
    /// Children that failed, told at once: whoever reads the others' reports goes on until they are stopped.
    private let failures: AsyncStream<LaunchError>
    private let failuresContinuation: AsyncStream<LaunchError>.Continuation

    private init(executable: String, observer: @escaping Observer) {
        self.executable = executable
        self.observer = observer
        (started, startedContinuation) = AsyncStream.makeStream()
        (failures, failuresContinuation) = AsyncStream.makeStream()
    }

    /// Runs `body` with a family; when it returns or throws, or a child ends unexpectedly, or a stop signal arrives,
    /// every child is stopped (killed after a grace) and reaped before this returns.
    ///
    /// - Parameters:
    ///   - executable: what every child runs.
    ///   - observer: takes progress, push notes and lines for people as they arrive.
    package static func with<R: Sendable>(
        executable: String, observer: @escaping Observer, body: @escaping @Sendable (ChildFamily) async throws -> R
    ) async throws -> R {
        let family = ChildFamily(executable: executable, observer: observer)
        return try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask {
                await family.superviseAll()
                return nil
            }
            group.addTask {
                for await failure in family.failures { throw failure }
                return nil
            }
            group.addTask {
                try await StopSignals.first()
                return nil
            }
            group.addTask { try await body(family) }
            let result: Result<R, any Error>
            do {
                var value: R?
                while value == nil, let next = try await group.next() { value = next }
                guard let value else { throw CancellationError() }
                result = .success(value)
            } catch var stop as StopSignals.Received {
                stop.wasExpected = family.state.withLock { $0.expectsStopSignal }
                result = .failure(stop)
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            await family.endAll()
            // What the remaining tasks throw is that they were cancelled, or stands in the state.
            while await group.nextResult() != nil {}
            if case .failure(let stop as StopSignals.Received) = result { throw stop }
            // A child that failed is why whoever waited for it failed.
            if let cause = family.state.withLock({ $0.firstFailure }) { throw cause }
            let value = try result.get()
            if let unclean = family.state.withLock({ $0.firstUncleanEnd }) { throw unclean }
            return value
        }
    }

    /// Every child so far, also those that have ended, in the order in which they were started.
    package var members: [FamilyMember] { state.withLock { $0.members } }

    /// Starts a child as `subcommand` and sends it its configuration.
    package func start(_ name: String, as subcommand: String, _ configuration: RoleConfiguration) throws -> FamilyMember
    {
        // Under the lock, so that no child starts behind the back of the one who ends them.
        let member = try state.withLock { state in
            guard !state.isEnding else { throw CancellationError() }
            let process = try ChildProcess(name: name, executable: executable, arguments: [subcommand])
            let member = FamilyMember(process: process, role: subcommand)
            state.members.append(member)
            return member
        }
        startedContinuation.yield(member)
        do {
            try member.process.control.send(.start(configuration))
        } catch ControlError.closed {
            // It ended at once; the task that reads its reports finds out how.
        }
        return member
    }

    /// Waits for a stop signal, as the end that is wished for; it ends the scope with `StopSignals.Received`.
    package func untilStopSignal() async throws -> Never {
        state.withLock { $0.expectsStopSignal = true }
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    private func superviseAll() async {
        await withDiscardingTaskGroup { group in
            for await member in started {
                group.addTask { await self.supervise(member) }
            }
        }
    }

    /// Reads one child's reports to their end, whether or not the scope is ending: what a killed worker noted counts.
    private func supervise(_ member: FamilyMember) async {
        defer { member.finishAnswers() }
        var failure: LaunchError?
        do {
            while let report = try await member.process.control.receive() {
                switch report {
                case .ready, .joinToken, .finished, .connections: member.deliver(report)
                case .failed(let reason): failure = LaunchError("\(member.name): \(reason)")
                case .progress, .sending, .acknowledged, .note: observer(member, report)
                }
            }
        } catch {
            // Not a message of ours: nothing that follows can be believed.
            failure = LaunchError("\(member.name): \(error)")
            member.process.forceEnd()
        }
        let status = await member.process.waitForEnd()
        let end = LaunchError("\(member.name) (process \(member.process.processIdentifier)) \(status)")
        switch member.process.expectation {
        case .running: failure = failure ?? end
        case .finishing where status != .exited(0): state.withLock { $0.firstUncleanEnd = $0.firstUncleanEnd ?? end }
        case .finishing, .killed: break
        }
        guard let failure else { return }
        state.withLock { $0.firstFailure = $0.firstFailure ?? failure }
        failuresContinuation.yield(failure)
    }

    private func endAll() async {
        startedContinuation.finish()
        let all = state.withLock { state in
            state.isEnding = true
            return state.members
        }
        for member in all.reversed() { member.process.stop() }
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for member in all { _ = await member.process.waitForEnd() }
                return true
            }
            group.addTask {
                try? await Task.sleep(for: Self.grace)
                return false
            }
            if await group.next() == false {
                for member in all { member.process.forceEnd() }
            }
            group.cancelAll()
            await group.waitForAll()
        }
    }
}
