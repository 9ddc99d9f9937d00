import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct EndpointPoolTests {
    @Test("a service's calls are spread over its endpoints, whatever their kind")
    func spread() async throws {
        try await Fleet.run("a", "b", "c") { fleet in
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await fleet.warm(client)
            for _ in 0..<30 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts() == ["a": 10, "b": 10, "c": 10])
            for _ in 0..<6 {
                try await client.call(Echo.repeated, Note("")) { responses in
                    var names: Set<String> = []
                    for try await note in responses { names.insert(note.text) }
                    #expect(names.count == 1)
                }
                _ = try await client.call(Echo.joined) { try await $0.send(Note("")) }
            }
            #expect(fleet.counts() == ["a": 8, "b": 8, "c": 8])
            client.close()
        }
    }

    @Test("large payloads are spread as well, on connections of their own")
    func bulk() async throws {
        try await Fleet.run("a", "b") { fleet in
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await fleet.warm(client)
            let large = Note("", payload: Array(repeating: 1, count: 300_000))
            for _ in 0..<6 { _ = try await client.call(Echo.once, large) }
            #expect(fleet.counts() == ["a": 3, "b": 3])
            client.close()
        }
    }

    @Test("an endpoint that joins takes calls, and one that leaves finishes those that it has")
    func churn() async throws {
        try await Fleet.run("a", "b") { fleet in
            let (started, release) = (Gate(), Gate())
            try await fleet.start("c") { note in
                guard note.text == "slow" else { return }
                started.open()
                await release.wait()
            }
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await fleet.warm(client)
            fleet.become("c")
            try await fleet.simulation.runtime.sleep(for: .seconds(1))
            async let slow = client.call(Echo.once, Note("slow"))
            await started.wait()
            fleet.become("a", "b")
            try await fleet.simulation.runtime.sleep(for: .seconds(1))
            _ = fleet.counts()
            for _ in 0..<10 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["a": 5, "b": 5])
            release.open()
            #expect(try await slow == Note("c"))
            client.close()
        }
    }

    @Test("weights may change while calls run")
    func weights() async throws {
        try await Fleet.run("a", "b") { fleet in
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await fleet.warm(client)
            fleet.resolver.set([fleet.endpoint("a", weight: 3), fleet.endpoint("b")], of: Fleet.service)
            try await fleet.simulation.runtime.sleep(for: .milliseconds(1))
            for _ in 0..<40 { _ = try await client.call(Echo.once, Note("")) }
            let counts = fleet.counts()
            #expect((28...32).contains(counts["a"] ?? 0), "\(counts)")
            client.close()
        }
    }

    @Test("when an endpoint dies its calls are repeated at others, and it gets calls again when it is back")
    func death() async throws {
        try await Fleet.run("a", "b", "c") { fleet in
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await fleet.warm(client)
            fleet.kill("b")
            for _ in 0..<30 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts()["b"] == nil)
            try await fleet.start("b")
            try await fleet.simulation.runtime.sleep(for: .seconds(120))
            for _ in 0..<30 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["a": 10, "b": 10, "c": 10])
            client.close()
        }
    }

    @Test("an attempt that failed is repeated at another endpoint")
    func another() async throws {
        try await Fleet.run("a") { fleet in
            try await fleet.start("bad") { _ in throw CallFailure(.unavailable, "not now", hasNotRun: true) }
            fleet.become("a", "bad")
            let client = try fleet.client {
                $0.balancing.policy = .roundRobin
                $0.failureAccrual = nil
            }
            try await fleet.warm(client)
            for _ in 0..<20 { #expect(try await client.call(Echo.once, Note("")) == Note("a")) }
            let counts = fleet.counts()
            #expect(counts["a"] == 20 && (counts["bad"] ?? 0) >= 10, "\(counts)")
            client.close()
        }
    }

    @Test("a deduplicated call is repeated at the server of its first attempt, and nowhere else")
    func deduplicated() async throws {
        try await Fleet.run("a", "b", "c") { fleet in
            let faults = ScriptedFaults(replies: [.deliver, .lose, .lose])
            let client = try fleet.client {
                $0.balancing.policy = .roundRobin
                $0.faults = faults
                $0.retry.attemptTimeout = .milliseconds(100)
            }
            try await fleet.warm(client)
            let answer = try await client.call(Echo.count, Note(""))
            #expect(fleet.counts() == [answer.text: 1])
            client.close()
        }
    }

    @Test("an endpoint whose calls fail is left out, and comes back when a probe succeeds")
    func accrual() async throws {
        try await Fleet.run("a", "b") { fleet in
            let isBroken = Mutex(true)
            try await fleet.start("c") { _ in
                if isBroken.withLock({ $0 }) { throw CallFailure(.internalError, "broken") }
            }
            fleet.become("a", "b", "c")
            let metrics = MetricsRegistry()
            let client = try fleet.client(metrics: metrics) { $0.balancing.policy = .roundRobin }
            _ = try? await client.call(Echo.once, Note(""))
            try await fleet.simulation.runtime.sleep(for: .seconds(1))
            _ = fleet.counts()
            var failures = 0
            for _ in 0..<60 {
                do { _ = try await client.call(Echo.once, Note("")) } catch { failures += 1 }
            }
            #expect((6...8).contains(failures))
            #expect(
                metrics.lines(of: "mesh_endpoints").contains(
                    #"mesh_endpoints{service="echo.test",state="ejected"} 1.0"#))
            #expect(
                metrics.lines(of: "mesh_endpoint_ejections_total").contains(
                    #"mesh_endpoint_ejections_total{service="echo.test"} 1"#))
            isBroken.withLock { $0 = false }
            try await fleet.simulation.runtime.sleep(for: .seconds(2))
            _ = fleet.counts()
            for _ in 0..<60 { _ = try await client.call(Echo.once, Note("")) }
            #expect((18...21).contains(fleet.counts()["c"] ?? 0))
            #expect(
                metrics.lines(of: "mesh_endpoints").contains(#"mesh_endpoints{service="echo.test",state="ready"} 3.0"#))
            client.close()
        }
    }

    @Test("no more than half of the endpoints are left out")
    func cap() async throws {
        try await Fleet.run { fleet in
            for name in ["a", "b", "c", "d"] {
                try await fleet.start(name) { _ in throw CallFailure(.internalError, "broken") }
            }
            fleet.become("a", "b", "c", "d")
            let metrics = MetricsRegistry()
            let client = try fleet.client(metrics: metrics)
            for _ in 0..<200 { _ = try? await client.call(Echo.once, Note("")) }
            #expect(
                metrics.lines(of: "mesh_endpoints").contains(
                    #"mesh_endpoints{service="echo.test",state="ejected"} 2.0"#))
            client.close()
        }
    }

    @Test("one key goes to one endpoint")
    func affinity() async throws {
        try await Fleet.run("a", "b", "c") { fleet in
            let client = try fleet.client { $0.balancing.policy = .consistentHash }
            try await fleet.warm(client)
            var homes: Set<String> = []
            for key in 0..<20 {
                let first = try await client.call(Echo.echo, Note(""), affinity: "basket \(key)")
                for _ in 0..<3 {
                    #expect(try await client.call(Echo.echo, Note(""), affinity: "basket \(key)") == first)
                }
                homes.insert(first.text)
            }
            #expect(homes == ["a", "b", "c"])
            client.close()
        }
    }

    @Test("a client uses as many endpoints as its subset has")
    func subset() async throws {
        try await Fleet.run("a", "b", "c", "d", "e") { fleet in
            let client = try fleet.client {
                $0.balancing.policy = .roundRobin
                $0.balancing.subset = .init(size: 2, seed: 1)
            }
            try await fleet.warm(client)
            for _ in 0..<20 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts().values.sorted() == [10, 10])
            client.close()
        }
    }

    @Test("an endpoint that proves another identity than it is expected to gets no calls")
    func impostor() async throws {
        try await Fleet.run("a", "b") { fleet in
            let expected = try fleet.simulation.authority.id("/server/other")
            fleet.resolver.set(
                [
                    fleet.endpoint("a"),
                    ServiceEndpoint(.tcp(host: "b", port: 1_000), identities: [.exact(expected)]),
                ], of: Fleet.service)
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await fleet.warm(client)
            for _ in 0..<10 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["a": 10])
            client.close()
        }
    }

    @Test("calls wait for a service's first endpoint, as long as it may take")
    func waits() async throws {
        try await Fleet.run("a") { fleet in
            fleet.resolver.set([], of: Fleet.service)
            let client = try fleet.client()
            async let answer = client.call(Echo.once, Note(""))
            async let streamed = client.call(Echo.joined) { try await $0.send(Note("")) }
            try await fleet.simulation.runtime.sleep(for: .seconds(2))
            fleet.become("a")
            #expect(try await answer == Note("a"))
            #expect(try await streamed == Note("a"))
            client.close()
        }
    }

    @Test("calls that have waited too long fail, and then all at once until there is an endpoint")
    func failsFast() async throws {
        try await Fleet.run("a") { fleet in
            fleet.resolver.set([], of: Fleet.service)
            let runtime = fleet.simulation.runtime
            let client = try fleet.client { $0.retry.maximumAttempts = 1 }
            var start = runtime.now
            let slow = await meshError { _ = try await client.call(Echo.once, Note("")) }
            #expect(slow?.code == .noEndpoint)
            #expect(slow?.progress == .notSent)
            #expect(slow?.peer == Fleet.service)
            #expect((.seconds(3)...(.seconds(3) + .milliseconds(10))).contains(start.duration(to: runtime.now)))
            start = runtime.now
            let fast = await meshError { _ = try await client.call(Echo.once, Note("")) }
            #expect(fast?.code == .noEndpoint)
            let streamed = await meshError { _ = try await client.call(Echo.joined) { try await $0.send(Note("")) } }
            #expect(streamed?.code == .noEndpoint)
            #expect(start.duration(to: runtime.now) < .milliseconds(10))
            fleet.become("a")
            try await runtime.sleep(for: .seconds(1))
            #expect(try await client.call(Echo.once, Note("")) == Note("a"))
            client.close()
        }
    }

    @Test("calls fail at once when every endpoint has been tried in vain")
    func hopeless() async throws {
        try await Fleet.run { fleet in
            fleet.become("x", "y")
            let runtime = fleet.simulation.runtime
            let client = try fleet.client { $0.retry.maximumAttempts = 1 }
            let start = runtime.now
            let error = await meshError { _ = try await client.call(Echo.once, Note("")) }
            #expect(error?.code == .noEndpoint)
            #expect((error?.cause as? MeshError)?.code == .connectFailed)
            #expect(start.duration(to: runtime.now) < .seconds(1))
            try await fleet.start("x")
            try await runtime.sleep(for: .seconds(1))
            #expect(try await client.call(Echo.once, Note("")) == Note("x"))
            client.close()
        }
    }

    @Test("a service that nobody is trusted to be is not waited for")
    func nobodyTrusted() async throws {
        try await Fleet.run("a") { fleet in
            let other = try fleet.simulation.authority.id("/other")
            fleet.resolver.set(
                [ServiceEndpoint(.tcp(host: "a", port: 1_000), identities: [.exact(other)])], of: Fleet.service)
            let client = try fleet.client()
            let error = await meshError { _ = try await client.call(Echo.once, Note("")) }
            #expect(error?.code == .peerNotTrusted)
            client.close()
        }
    }

    @Test("a service that the resolver does not know, or without a resolver, says so")
    func unknown() async throws {
        try await Fleet.run("a") { fleet in
            let client = try fleet.client("another.test")
            let error = await meshError { _ = try await client.call(Echo.once, Note("")) }
            #expect(error?.code == .noEndpoint)
            #expect(error?.message.contains("no service is called another.test") == true)
            let bare = try fleet.client { $0.resolver = nil }
            let unresolved = await meshError { _ = try await bare.call(Echo.once, Note("")) }
            #expect(unresolved?.message.contains("names no resolver") == true)
            client.close()
            bare.close()
        }
    }

    @Test("endpoints stay in use when the resolver does not know them any more")
    func lastKnown() async throws {
        try await Fleet.run("a") { fleet in
            let client = try fleet.client()
            try await fleet.warm(client)
            fleet.resolver.set(nil, of: Fleet.service)
            try await fleet.simulation.runtime.sleep(for: .seconds(10))
            #expect(try await client.call(Echo.once, Note("")) == Note("a"))
            client.close()
        }
    }

    @Test("a call that waits for an endpoint ends at its deadline, with its caller, and with its client")
    func ends() async throws {
        try await Fleet.run { fleet in
            fleet.resolver.set([], of: Fleet.service)
            let runtime = fleet.simulation.runtime
            let client = try fleet.client()
            let late = await meshError {
                _ = try await client.call(Echo.once, Note(""), timeout: .milliseconds(50))
            }
            #expect(late?.code == .deadlineExceeded)
            #expect(late?.progress == .notSent)
            let lateStream = await meshError {
                _ = try await client.call(Echo.joined, timeout: .milliseconds(50)) { try await $0.send(Note("")) }
            }
            #expect(lateStream?.code == .deadlineExceeded)
            for streams in [false, true] {
                let error = await withTaskGroup(of: MeshError?.self) { group in
                    group.addTask {
                        await meshError {
                            if streams {
                                _ = try await client.call(Echo.joined) { try await $0.send(Note("")) }
                            } else {
                                _ = try await client.call(Echo.once, Note(""))
                            }
                        }
                    }
                    try? await runtime.sleep(for: .milliseconds(50))
                    group.cancelAll()
                    return await group.next() ?? nil
                }
                #expect(error?.code == .cancelled)
            }
            async let waiting = meshError { _ = try await client.call(Echo.once, Note("")) }
            try await runtime.sleep(for: .milliseconds(50))
            client.close()
            #expect(await waiting?.code == .draining)
        }
    }

    @Test("a server that drains loses its calls to the others, and no call fails")
    func rolling() async throws {
        try await Simulated.run { simulation in
            let fleet = Fleet(simulation)
            try await fleet.start("a")
            let leaving = try simulation.mesh("/server/b")
            leaving.serve(Echo.once) { _, _ in Note("b") }
            leaving.serve(Echo.echo) { _, _ in Note("b") }
            try await leaving.listen(host: "b", port: 1_000)
            fleet.become("a", "b")
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await fleet.warm(client)
            async let stopped: Void = leaving.stop()
            for _ in 0..<50 {
                _ = try await client.call(Echo.once, Note(""))
                try await simulation.runtime.sleep(for: .milliseconds(1))
            }
            await stopped
            #expect((fleet.counts()["a"] ?? 0) >= 45)
            client.close()
            await fleet.stop()
        }
    }

    @Test("an endpoint whose connection drains is connected to anew, while the old one finishes its calls")
    func replaced() async throws {
        try await Simulated.run { simulation in
            let fleet = Fleet(simulation)
            let (started, release) = (Gate(), Gate())
            let leaving = try simulation.mesh("/server/b")
            leaving.serve(Echo.echo) { _, _ in Note("old") }
            leaving.serve(Echo.once) { _, _ in
                started.open()
                await release.wait()
                return Note("old")
            }
            try await leaving.listen(host: "b", port: 1_000)
            fleet.become("b")
            let client = try fleet.client()
            try await fleet.warm(client)
            async let slow = client.call(Echo.once, Note(""))
            await started.wait()
            async let stopped: Void = leaving.stop()
            try await simulation.runtime.sleep(for: .milliseconds(100))
            try await fleet.start("b")
            for _ in 0..<3 {
                #expect(try await client.call(Echo.echo, Note("")) == Note("b"))
                try await simulation.runtime.sleep(for: .seconds(1))
            }
            release.open()
            #expect(try await slow == Note("old"))
            await stopped
            fleet.kill("b")
            try await fleet.start("b")
            try await simulation.runtime.sleep(for: .seconds(2))
            #expect(try await client.call(Echo.once, Note("")) == Note("b"))
            client.close()
            await fleet.stop()
        }
    }

    @Test("calls that wait for an endpoint that leaves go to another one")
    func leavesWaiters() async throws {
        try await Fleet.run("b") { fleet in
            var configuration = MeshConfiguration()
            configuration.limits.concurrentCalls = 1
            let (started, release) = (Gate(), Gate())
            let narrow = try fleet.simulation.mesh("/server/a", configuration)
            narrow.serve(Echo.once) { _, _ in
                started.open()
                await release.wait()
                return Note("a")
            }
            try await narrow.listen(host: "a", port: 1_000)
            fleet.become("a")
            let client = try fleet.client()
            async let first = client.call(Echo.once, Note(""))
            await started.wait()
            async let second = client.call(Echo.once, Note(""))
            try await fleet.simulation.runtime.sleep(for: .seconds(1))
            fleet.become("b")
            #expect(try await second == Note("b"))
            release.open()
            #expect(try await first == Note("a"))
            client.close()
            await narrow.stop()
        }
    }

    @Test("the one call that may wait is not refused by the resolver's first word")
    func oneMayWait() async throws {
        try await Fleet.run("a") { fleet in
            let client = try fleet.client {
                $0.callsAwaitingConnection = 1
                $0.retry.maximumAttempts = 1
            }
            #expect(try await client.call(Echo.once, Note("")) == Note("a"))
            client.close()
        }
    }

    @Test("thousands of endpoints of which none can be called are no trouble")
    func manyHopeless() async throws {
        try await Fleet.run { fleet in
            fleet.resolver.set((0..<5_000).map { fleet.endpoint("host\($0)") }, of: Fleet.service)
            let mesh = try Mesh(
                configuration: {
                    var configuration = MeshConfiguration()
                    configuration.resolver = fleet.resolver
                    return configuration
                }(), identity: fleet.simulation.authority.identity("/client"), policy: .denyAll,
                runtime: fleet.simulation.runtime)
            let client = mesh.client(Destination(service: Fleet.service))
            let error = await meshError { _ = try await client.call(Echo.once, Note("")) }
            #expect(error?.code == .noExpectedIdentity)
            client.close()
        }
    }

    @Test("one endpoint that proves the wrong identity does not make an outage of the others final")
    func mixedOutage() async throws {
        try await Fleet.run("a") { fleet in
            let other = try fleet.simulation.authority.id("/other")
            fleet.resolver.set(
                [
                    ServiceEndpoint(.tcp(host: "a", port: 1_000), identities: [.exact(other)]), fleet.endpoint("gone"),
                ], of: Fleet.service)
            let client = try fleet.client()
            let error = await meshError { _ = try await client.call(Echo.once, Note("")) }
            #expect(error?.code == .noEndpoint)
            client.close()
        }
    }

    @Test("a stream that goes on shows that an endpoint is well again")
    func streamProbe() async throws {
        try await Fleet.run("a", "b") { fleet in
            let isBroken = Mutex(true)
            let release = Gate()
            let mesh = try fleet.simulation.mesh("/server/c")
            mesh.serve(Echo.once) { _, _ in
                if isBroken.withLock({ $0 }) { throw CallFailure(.internalError, "broken") }
                return Note("c")
            }
            mesh.serve(Echo.repeated) { _, responses, _ in
                try await responses.send(Note("c"))
                await release.wait()
            }
            mesh.serve(Echo.echo) { _, _ in Note("c") }
            try await mesh.listen(host: "c", port: 1_000)
            fleet.become("a", "b", "c")
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await fleet.warm(client)
            for _ in 0..<60 { _ = try? await client.call(Echo.once, Note("")) }
            isBroken.withLock { $0 = false }
            try await fleet.simulation.runtime.sleep(for: .seconds(2))
            // Three streams: one of them is the probe.
            async let first: Void = client.call(Echo.repeated, Note("")) { for try await _ in $0 {} }
            async let second: Void = client.call(Echo.repeated, Note("")) { for try await _ in $0 {} }
            async let third: Void = client.call(Echo.repeated, Note("")) { for try await _ in $0 {} }
            try await fleet.simulation.runtime.sleep(for: .seconds(1))
            _ = fleet.counts()
            let answers = try await (0..<30).asyncMap { _ in try await client.call(Echo.once, Note("")).text }
            #expect(answers.count { $0 == "c" } == 10)
            release.open()
            _ = try await (first, second, third)
            client.close()
            await mesh.stop()
        }
    }

    @Test("a connection can be asked for, to any server of a service")
    func connection() async throws {
        try await Fleet.run("a") { fleet in
            let client = try fleet.client()
            let info = try await client.connection()
            #expect(info.peer == (try fleet.simulation.authority.id("/server/a")))
            client.close()
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
