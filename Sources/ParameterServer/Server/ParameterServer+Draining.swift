import Coordination
import Logging
import MeshTransport
import MeshWire
public import ServiceLifecycle
import Synchronization

extension ParameterServer: Service {
    /// Serves, from ``register(at:)`` on, until the service group shuts down, and then leaves the job as ``drain()``
    /// says; when the task is cancelled, as ``close()`` does. Name the server after its mesh in the group: it still
    /// answers while it drains.
    ///
    /// ```swift
    /// try await server.register(at: address)
    /// try await ServiceGroup(services: [mesh, server], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    /// ```
    /// - Throws: ``ParameterServerError/Code/notRegistered`` when this life of the server is over: another process
    ///   has taken its name, or a partition could not go on here. The log says which.
    public func run() async throws {
        let ended = ended
        await mesh.runtime.untilStopped {
            // Ends with the server's signs of life, or when the task is cancelled.
            for await _ in ended.stream {}
        }
        guard !Task.isCancelled else { return await close() }
        guard hasEnded, !mesh.isStopped else { return await drain() }
        throw ParameterServerError(
            .notRegistered,
            "server \(name) is not the one of its name any more; start it again, under another name if two run")
    }

    /// Leaves the job so that nothing of it waits: says that it is not ready, waits until what it heads has the
    /// followers that are to join, takes no more pushes, waits until followers and log have all that it has executed,
    /// and has the coordinator give its partitions to those followers. Clients go on there, with the same numbers and
    /// bytes.
    ///
    /// It takes at most ``ParameterServerConfiguration/drainTimeout``. What nobody else has waits in the log for this
    /// server to start again, and a line of the log says so; without a log it ends with the server.
    public func drain() async {
        let deadline = mesh.runtime.now.advanced(by: configuration.drainTimeout)
        guard beginsToDrain() else { return }
        mesh.setReady(readinessName, false)
        logger.info("server drains", metadata: ["server": "\(name)", "partitions": "\(hosted.headed.count)"])
        do throws(ParameterServerError) {
            let alone = try await hosted.prepareHandOver(until: deadline)
            if !alone.isEmpty {
                logger.warning(
                    "nobody to hand partitions over to: they wait for this server to start again",
                    metadata: [
                        "server": "\(name)", "partitions": "\(alone.count)", "first": "\(alone[0])",
                        "log": "\(configuration.log?.folder ?? "none: they are lost with it")",
                    ])
            }
        } catch {
            logger.warning(
                "not all that was executed is at the followers and in the log; what was acknowledged is",
                metadata: ["server": "\(name)", "error": "\(error)"])
        }
        await leave(until: deadline)
        await close()
    }

    private func leave(until deadline: RuntimeInstant) async {
        let runtime = mesh.runtime
        var wait = Duration.milliseconds(20)
        var failure: CoordinationError?
        // Once at least: a follower that kept all waiting is no reason to have the others wait for the lease.
        repeat {
            do throws(CoordinationError) {
                let left = max(runtime.now.duration(to: deadline), Self.leastTimeToLeave)
                try await coordination.leaveServer(named: name, life: life, timeout: left)
                return
            } catch {
                failure = error
                guard error.code != .notOwner, error.code != .serverUnknown else { break }
            }
            guard (try? await runtime.sleep(for: wait)) != nil else { break }
            wait = min(wait * 2, .milliseconds(250))
        } while runtime.now < deadline
        logger.warning(
            "the coordinator was not told that this server leaves, and has it lost when its lease is over",
            metadata: ["server": "\(name)", "error": "\(failure.map { "\($0)" } ?? "cancelled")"])
    }

    private static let leastTimeToLeave = Duration.seconds(1)
}
