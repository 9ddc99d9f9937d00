import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Calls through a network that loses, doubles and breaks, on virtual time.
@Suite struct ClientStackTests {
    private static func configuration(
        _ faults: (any FaultInjector)?, attempts: Int = 3, attemptTimeout: Duration = .seconds(1)
    ) -> MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.faults = faults
        configuration.retry.maximumAttempts = attempts
        configuration.retry.attemptTimeout = attemptTimeout
        return configuration
    }

    /// Calls `method` once through `faults`: how often it ran, and what came of it.
    private func call(
        _ method: UnaryMethod<Note, Note>, _ faults: ScriptedFaults, timeout: Duration = .seconds(30)
    ) async throws -> (runs: Int, reply: Note?, error: MeshError?, took: Duration) {
        try await Simulated.run { simulation in
            let runs = Tally()
            let server = try await simulation.server { mesh in
                for method in [Echo.echo, Echo.count, Echo.once] {
                    mesh.serve(method, deduplicated: .handler) { note, call in
                        if method.retry == .deduplicated { #expect(call.deduplication == deduplication(7)) }
                        return Note("\(note.text) \(runs.add())")
                    }
                }
            }
            let client = try simulation.client(Self.configuration(faults))
            let start = simulation.runtime.now
            var result: (Int, Note?, MeshError?, Duration)
            do throws(MeshError) {
                let reply = try await client.call(
                    method, Note("run"), timeout: timeout,
                    deduplication: method.retry == .deduplicated ? deduplication(7) : nil)
                result = (runs.count, reply, nil, start.duration(to: simulation.runtime.now))
            } catch {
                result = (runs.count, nil, error, start.duration(to: simulation.runtime.now))
            }
            client.close()
            await server.stop()
            return result
        }
    }

    @Test("a lost reply is asked for again where that is safe", arguments: [Echo.echo, Echo.count])
    func lostReply(method: UnaryMethod<Note, Note>) async throws {
        let faults = ScriptedFaults(replies: [.lose])
        let outcome = try await call(method, faults)
        #expect(outcome.reply == Note("run 2"))
        #expect(outcome.runs == 2)
        #expect(faults.asked == (2, 2))
    }

    @Test("a lost reply of a method that bears no repetition ends with the deadline, and the caller knows why")
    func lostReplyNever() async throws {
        let outcome = try await call(Echo.once, ScriptedFaults(replies: [.lose]), timeout: .seconds(5))
        #expect(outcome.runs == 1)
        #expect(outcome.error?.code == .deadlineExceeded)
        #expect(outcome.error?.progress == .mayHaveRun)
        #expect(outcome.took >= .seconds(5) && outcome.took < .seconds(6))
    }

    @Test("a lost request is sent again where that is safe, for all that the client knows it may have run")
    func lostRequest() async throws {
        let faults = ScriptedFaults(requests: [.lose])
        let outcome = try await call(Echo.echo, faults)
        #expect(outcome.reply == Note("run 1"))
        // No reply has arrived for the first: nobody was asked about its fate.
        #expect(faults.asked == (2, 1))
        let never = try await call(Echo.once, ScriptedFaults(requests: [.lose]), timeout: .seconds(3))
        #expect(never.runs == 0)
        #expect(never.error?.progress == .mayHaveRun)
    }

    @Test("a doubled request reaches the server twice and answers once", arguments: [Echo.echo, Echo.count, Echo.once])
    func doubled(method: UnaryMethod<Note, Note>) async throws {
        let outcome = try await call(method, ScriptedFaults(requests: [.duplicate]))
        #expect(outcome.runs == 2)
        #expect(outcome.reply?.text.hasPrefix("run ") == true)
    }

    @Test("a call that is never answered ends after its attempts, as one that may have run")
    func allLost() async throws {
        let outcome = try await call(Echo.echo, ScriptedFaults(replies: [.lose, .lose, .lose, .lose]))
        #expect(outcome.runs == 3)
        #expect(outcome.error?.code == .deadlineExceeded)
        #expect(outcome.error?.progress == .mayHaveRun)
        #expect(outcome.took >= .seconds(3) && outcome.took < .seconds(4))
    }

    @Test("no attempt outlives the call's own deadline")
    func deadline() async throws {
        let outcome = try await call(
            Echo.echo, ScriptedFaults(replies: [.lose, .lose, .lose]), timeout: .milliseconds(1_500))
        #expect(outcome.runs == 2)
        #expect(outcome.error?.code == .deadlineExceeded)
        #expect(outcome.took >= .milliseconds(1_500) && outcome.took < .milliseconds(1_600))
    }

    @Test("a timeout that has passed already sends nothing; one that never passes does no harm")
    func extremeTimeouts() async throws {
        for timeout in [Duration.zero, .seconds(-1), .seconds(Int64.min)] {
            let outcome = try await call(Echo.once, ScriptedFaults(), timeout: timeout)
            #expect(outcome.runs == 0)
            #expect(outcome.error?.code == .deadlineExceeded)
            #expect(outcome.error?.progress == .notSent)
        }
        #expect(try await call(Echo.echo, ScriptedFaults(), timeout: .seconds(Int64.max)).reply == Note("run 1"))
    }

    @Test("when nobody listens the call is known not to have been sent, and all attempts are made")
    func refused() async throws {
        try await Simulated.run { simulation in
            let client = try simulation.client(Self.configuration(nil))
            for method in [Echo.echo, Echo.once] {
                let start = simulation.runtime.now
                let error = await meshError { _ = try await client.call(method, Note("x")) }
                #expect(error?.code == .connectFailed)
                #expect(error?.progress == .notSent)
                #expect(error?.peer == "server:1000")
                // Two waits of at least half of 25 and 50 ms.
                #expect(start.duration(to: simulation.runtime.now) > .milliseconds(37))
            }
            client.close()
        }
    }

    @Test("a call that may have run at its first attempt may have run, though the last was not sent")
    func progressOfAllAttempts() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client(Self.configuration(ScriptedFaults(replies: [.lose])))
            async let failure = meshError { _ = try await client.call(Echo.echo, Note("x")) }
            try await simulation.runtime.sleep(for: .milliseconds(500))
            simulation.runtime.kill(host: "server", port: 1_000)
            let error = await failure
            #expect(error?.code == .connectFailed)
            #expect(error?.progress == .mayHaveRun)
            client.close()
            await server.stop()
        }
    }

    @Test("a cancelled caller is let go at once, and so is the handler")
    func cancellation() async throws {
        try await Simulated.run { simulation in
            let (started, cancelled) = (Gate(), Gate())
            let runtime = simulation.runtime
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    started.open()
                    do { try await runtime.sleep(for: .seconds(1_000)) } catch { cancelled.open() }
                    return note
                }
            }
            let client = try simulation.client()
            let start = runtime.now
            let error = await withTaskGroup(of: MeshError?.self) { group in
                group.addTask { await meshError { _ = try await client.call(Echo.echo, Note("x")) } }
                await started.wait()
                group.cancelAll()
                return await group.next()!
            }
            #expect(error?.code == .cancelled)
            #expect(error?.progress == .mayHaveRun)
            await cancelled.wait()
            #expect(start.duration(to: runtime.now) < .seconds(1))
            client.close()
            await server.stop()
        }
    }

    @Test("a caller that is cancelled before it calls sends nothing")
    func cancelledBefore() async throws {
        try await Simulated.run { simulation in
            let runs = Tally()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    runs.add()
                    return note
                }
            }
            let client = try simulation.client()
            let error = await withTaskGroup(of: MeshError?.self) { group in
                group.cancelAll()
                group.addTask { await meshError { _ = try await client.call(Echo.echo, Note("x")) } }
                return await group.next()!
            }
            #expect(error?.code == .cancelled)
            #expect(error?.progress == .notSent)
            #expect(runs.count == 0)
            client.close()
            await server.stop()
        }
    }

    @Test("a caller that is cancelled between two attempts learns that, and how far the call came")
    func cancelledWhileWaiting() async throws {
        try await Simulated.run { simulation in
            var configuration = Self.configuration(nil)
            configuration.retry.backoffBase = .seconds(60)
            configuration.retry.backoffLimit = .seconds(60)
            configuration.callTimeout = .seconds(600)
            let client = try simulation.client(configuration)
            let error = await withTaskGroup(of: MeshError?.self) { group in
                group.addTask { await meshError { _ = try await client.call(Echo.echo, Note("x")) } }
                try? await simulation.runtime.sleep(for: .seconds(1))
                group.cancelAll()
                return await group.next()!
            }
            #expect(error?.code == .cancelled)
            #expect(error?.progress == .notSent)
            #expect((error?.cause as? MeshError)?.code == .connectFailed)
            client.close()
        }
    }

    @Test("a deduplicated call that may have run is not repeated at another instance")
    func instanceChanged() async throws {
        try await Simulated.run { simulation in
            let runs = Tally()
            let register: (Mesh) -> Void = { mesh in
                mesh.serve(Echo.count) { note, _ in Note("run \(runs.add())") }
                mesh.serve(Echo.echo) { note, _ in note }
            }
            let first = try await simulation.server(MeshConfiguration(), register)
            let client = try simulation.client(Self.configuration(ScriptedFaults(replies: [.lose])))
            async let failure = meshError {
                _ = try await client.call(Echo.count, Note("x"), deduplication: deduplication(1))
            }
            try await simulation.runtime.sleep(for: .milliseconds(500))
            #expect(runs.count == 1)
            simulation.runtime.kill(host: "server", port: 1_000)
            let second = try await simulation.server(MeshConfiguration(), register)
            let error = await failure
            #expect(error?.code == .instanceChanged)
            #expect(error?.progress == .mayHaveRun)
            #expect(error?.peer == "spiffe://test.example/server")
            #expect(runs.count == 1)
            // The next call is another one.
            #expect(try await client.call(Echo.count, Note("x"), deduplication: deduplication(2)) == Note("run 2"))
            client.close()
            await first.stop()
            await second.stop()
        }
    }

    @Test("an idempotent call goes on at another instance")
    func otherInstance() async throws {
        try await Simulated.run { simulation in
            let first = try await simulation.server { $0.serveEcho() }
            let client = try simulation.client(Self.configuration(ScriptedFaults(replies: [.lose])))
            async let reply = client.call(Echo.echo, Note("x"))
            try await simulation.runtime.sleep(for: .milliseconds(500))
            simulation.runtime.kill(host: "server", port: 1_000)
            let second = try await simulation.server { $0.serveEcho() }
            #expect(try await reply == Note("x"))
            client.close()
            await first.stop()
            await second.stop()
        }
    }

    @Test("a deduplicated call that its first instance has certainly not run may be made at another")
    func instanceDrained() async throws {
        try await Simulated.run { simulation in
            var limits = MeshConfiguration()
            limits.limits.concurrentCalls = 1
            let (started, release) = (Gate(), Gate())
            let first = try await simulation.server(limits) { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    started.open()
                    await release.wait()
                    return note
                }
                mesh.serve(Echo.count) { _, _ in Note("first") }
            }
            var configuration = Self.configuration(nil, attempts: 10)
            configuration.retry.backoffBase = .milliseconds(100)
            let client = try simulation.client(configuration)
            async let slow = client.call(Echo.echo, Note("slow"))
            await started.wait()
            // Refused by the first instance, which has no room: it has not run.
            async let reply = client.call(Echo.count, Note("x"), deduplication: deduplication(1))
            try await simulation.runtime.sleep(for: .milliseconds(50))
            async let stopped: Void = first.stop()
            release.open()
            #expect(try await slow == Note("slow"))
            await stopped
            let second = try await simulation.server { mesh in mesh.serve(Echo.count) { _, _ in Note("second") } }
            #expect(try await reply == Note("second"))
            client.close()
            await second.stop()
        }
    }

    @Test("a server without room is asked again, also for what bears no repetition")
    func noRoom() async throws {
        try await Simulated.run { simulation in
            var limits = MeshConfiguration()
            limits.limits.concurrentCalls = 1
            let (started, release) = (Gate(), Gate())
            let runs = Tally()
            let server = try await simulation.server(limits) { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    started.open()
                    await release.wait()
                    return note
                }
                mesh.serve(Echo.once) { note, _ in Note("run \(runs.add())") }
            }
            let client = try simulation.client(Self.configuration(nil, attempts: 10))
            async let slow = client.call(Echo.echo, Note("slow"))
            await started.wait()
            async let reply = client.call(Echo.once, Note("x"))
            try await simulation.runtime.sleep(for: .milliseconds(100))
            release.open()
            _ = try await slow
            #expect(try await reply == Note("run 1"))
            client.close()
            await server.stop()
        }
    }

    @Test("a server that stays without room answers so in the end, and the call has not run")
    func neverRoom() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.once) { _, _ in throw CallFailure(.unavailable, "closed today", hasNotRun: true) }
                mesh.serve(Echo.echo) { _, _ in throw CallFailure(.unavailable, "half done") }
            }
            let client = try simulation.client(Self.configuration(nil))
            var error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.code == .status)
            #expect(error?.status == .unavailable)
            #expect(error?.progress == .notSent)
            error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(error?.progress == .answered)
            #expect(error?.message == "half done")
            client.close()
            await server.stop()
        }
    }
}
