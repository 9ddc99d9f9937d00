import Foundation

/// A run of an example: its processes, what they have noted, and where people read of it.
package struct Launch: Sendable {
    /// The fraction of push replies that the workers' transports lose on purpose.
    private static let replyLoss = 0.02

    package let identities: Identities
    package let console: Console
    package let family: ChildFamily
    package let record: PushRecord
    package let training: TrainingWatch

    /// Runs `body`, whatever happens ending every process that it started.
    ///
    /// - Returns: the exit status: that of `body`, or what a shell expects of a program that a signal has stopped.
    package static func run(
        _ identities: Identities, _ body: @escaping @Sendable (Launch) async throws -> Int32
    ) async throws -> Int32 {
        let console = Console.standardOutput()
        let record = PushRecord()
        let training = TrainingWatch(board: ProgressBoard(console: console))
        guard let executable = Bundle.main.executablePath else { throw LaunchError("the program cannot find itself") }
        do {
            return try await ChildFamily.with(executable: executable) { child, report in
                switch report {
                case .sending(let notes): record.noteSending(notes)
                case .acknowledged(let notes): record.noteAcknowledged(notes)
                case .progress(let progress): training.note(child.name, progress)
                case .note(let text): console.print("  \(child.name): \(text)")
                // Answers go to whoever asked; the family keeps them.
                case .ready, .joinToken, .finished, .connections, .failed: break
                }
            } body: { family in
                try await body(
                    Launch(
                        identities: identities, console: console, family: family, record: record, training: training))
            }
        } catch let stop as StopSignals.Received {
            console.settle()
            console.print("Stopped; every process that was started has ended.")
            return stop.exitStatus
        }
    }

    /// Starts the coordinator, which deals partitions out when so many servers are there.
    package func startCoordinator(servers: Int, slots: Int) async throws -> MeshProcess {
        let configuration = RoleConfiguration.Coordinator(
            trustDomain: identities.trustDomain, spiffeID: identities.coordinator, serverCount: servers, slots: slots,
            certificateLifetimeSeconds: 3600)
        return try await start("coordinator", as: "coordinator", .coordinator(configuration))
    }

    /// Starts the server of that number, in its first life or in another.
    ///
    /// - Parameter logFolder: where it keeps its log; without one it keeps none.
    package func startServer(
        _ index: Int, logFolder: String? = nil, coordinator: MeshProcess
    ) async throws -> MeshProcess {
        let configuration = RoleConfiguration.Server(
            membership: try await coordinator.membership(for: identities.server(index)), logFolder: logFolder)
        return try await start("server \(index)", as: "server", .server(configuration))
    }

    /// Starts the worker with that number for a slot, which goes on where the slot's last worker was.
    ///
    /// - Parameter dataPaths: the files that it reads.
    package func startWorker(
        _ number: Int, slot: Int, _ plan: TrainingPlan, dataPaths: [String], coordinator: MeshProcess
    ) async throws -> MeshProcess {
        let configuration = RoleConfiguration.Worker(
            membership: try await coordinator.membership(for: identities.worker(slot)), slot: slot, plan: plan,
            firstStep: training.steps(of: slot), dataPaths: dataPaths, replyLoss: Self.replyLoss,
            faultSeed: plan.seed &+ UInt64(number))
        return try await start("worker \(number)", as: "worker", .worker(configuration))
    }

    /// Starts a process and waits until it is ready.
    package func start(
        _ name: String, as subcommand: String, _ configuration: RoleConfiguration
    ) async throws -> MeshProcess {
        let member = try family.start(name, as: subcommand, configuration)
        let ready = try await member.answer { if case .ready(let ready) = $0 { ready } else { nil } }
        let ports = ready.ports.sorted { $0.key < $1.key }.map { ", \($0.key) port \($0.value)" }.joined()
        console.print("Started \(name): process \(member.process.processIdentifier), \(ready.spiffeID)\(ports)")
        return MeshProcess(member: member, spiffeID: ready.spiffeID, ports: ready.ports)
    }

    /// Kills a worker and has another, of that number, take its slot.
    package func replace(
        _ worker: MeshProcess, slot: Int, by number: Int, _ plan: TrainingPlan, dataPaths: [String],
        coordinator: MeshProcess
    ) async throws -> MeshProcess {
        worker.member.process.kill()
        // What it noted before it died is read to the end: the audit needs all of it.
        let status = await worker.member.drained()
        training.lose(worker.member.name)
        console.print(
            "Lost \(worker.member.name) after \(training.steps(of: slot)) steps: it \(status)."
                + " Another takes slot \(slot).")
        return try await startWorker(number, slot: slot, plan, dataPaths: dataPaths, coordinator: coordinator)
    }

    /// Waits until workers have made their last steps, and stops them.
    ///
    /// - Parameter timeout: how long each may take.
    package func finish(_ workers: [MeshProcess], within timeout: Duration = .seconds(3600)) async throws {
        for worker in workers {
            let figures = try await worker.member.answer(within: timeout) {
                if case .finished(let figures) = $0 { figures } else { nil }
            }
            console.print(
                "\(worker.member.name) finished: \(figures.repliesLost) replies lost on purpose,"
                    + " \(figures.retries) retries")
            worker.member.process.stop()
            _ = await worker.member.drained()
        }
        console.settle()
    }
}

extension Duration {
    /// The duration in seconds.
    package var seconds: Double { self / .seconds(1) }
}
