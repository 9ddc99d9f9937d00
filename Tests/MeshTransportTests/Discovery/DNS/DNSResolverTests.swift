import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// A resolver in a simulation, whose files name one server.
private struct Names: Sendable {
    let runtime: SimulatedRuntime
    let server: SimulatedNameServer
    let resolver: DNSResolver

    static func run(
        seed: UInt64 = 1, resolverFile: String = "nameserver 10.0.0.53\n",
        _ change: @Sendable (inout DNSConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable @concurrent (Names) async throws -> Void
    ) async throws {
        var configuration = DNSConfiguration()
        configuration.jitter = 0
        configuration.backoff.jitter = 0
        change(&configuration)
        let chosen = configuration
        try await SimulatedRuntime.run(seed: seed) { runtime in
            runtime.setFile("/etc/resolv.conf", to: resolverFile)
            let server = try await runtime.nameServer(at: "10.0.0.53")
            try await body(
                Names(runtime: runtime, server: server, resolver: try DNSResolver(chosen, runtime: runtime)))
        }
    }

    /// Lets so much time pass, and a moment for what happens at its end.
    func pass(_ seconds: Int64) async throws { try await runtime.sleep(for: .seconds(seconds) + .milliseconds(500)) }
}

@Suite struct DNSResolverTests {
    @Test("a host's addresses are the service's endpoints")
    func addresses() async throws {
        try await Names.run { names in
            names.server.set("scoring.shop", [.address("10.0.0.2"), .address("10.0.0.1")])
            let heard = Heard("scoring.shop:7000", of: names.resolver)
            try await names.pass(1)
            #expect(heard.take() == ["10.0.0.1:7000 10.0.0.2:7000"])
            #expect(names.server.questions.sorted() == ["A of scoring.shop", "AAAA of scoring.shop"])
        }
    }

    @Test("a change is found when the records' time is over, and an address that vanished is an endpoint no more")
    func change() async throws {
        try await Names.run { names in
            names.server.set("scoring.shop", [.address("10.0.0.1"), .address("10.0.0.2")], timeToLive: 20)
            // There are no IPv6 addresses for longer than there are these.
            names.server.negativeTimeToLive = 30
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.pass(1)
            names.server.set("scoring.shop", [.address("10.0.0.2"), .address("10.0.0.3")], timeToLive: 20)
            try await names.pass(17)
            #expect(heard.take() == ["10.0.0.1:80 10.0.0.2:80"])
            try await names.pass(2)
            #expect(heard.take() == ["10.0.0.2:80 10.0.0.3:80"])
        }
    }

    @Test("a time of 0 is one of a second: a server is not asked without end")
    func noTime() async throws {
        try await Names.run({ $0.families = .ipv4 }) { names in
            names.server.set("scoring.shop", [.address("10.0.0.1")], timeToLive: 0)
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.pass(10)
            #expect((9...11).contains(names.server.questions.count), "\(names.server.questions.count)")
            #expect(heard.take() == ["10.0.0.1:80"])
        }
    }

    @Test("all who follow a service share its look-ups, and with the last of them they end")
    func shared() async throws {
        try await Names.run({ $0.families = .ipv4 }) { names in
            names.server.set("scoring.shop", [.address("10.0.0.1")], timeToLive: 10)
            let (one, other) = (
                Heard("scoring.shop:80", of: names.resolver), Heard("scoring.shop:80", of: names.resolver)
            )
            try await names.pass(1)
            let late = Heard("scoring.shop:80", of: names.resolver)
            #expect(late.take() == ["10.0.0.1:80"])
            try await names.pass(30)
            #expect(names.server.questions.count == 4)
            one.stop()
            late.stop()
            try await names.pass(10)
            #expect(names.server.questions.count == 5)
            other.stop()
            try await names.pass(60)
            #expect(names.server.questions.count == 5)
            #expect(one.take() == ["10.0.0.1:80"])
        }
    }

    @Test("what one look-up learned is not asked again by another while it holds")
    func remembered() async throws {
        try await Names.run { names in
            names.server.set("scoring.shop", [.address("10.0.0.1")], timeToLive: 100)
            names.server.negativeTimeToLive = 100
            let heard = [Heard("scoring.shop:80", of: names.resolver)]
            try await names.pass(1)
            let other = Heard("scoring.shop:81", of: names.resolver)
            try await names.pass(1)
            #expect(other.take() == ["10.0.0.1:81"])
            #expect(names.server.questions.count == 2)
            heard.forEach { $0.stop() }
        }
    }

    @Test(
        "the last good endpoints are kept while the server fails, refuses or is silent",
        arguments: [.fails, .refuses, .isSilent] as [SimulatedNameServer.Behaviour])
    func lastGood(behaviour: SimulatedNameServer.Behaviour) async throws {
        try await Names.run { names in
            names.server.set("scoring.shop", [.address("10.0.0.1")], timeToLive: 5)
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.pass(1)
            names.server.behaviour = behaviour
            try await names.pass(600)
            let told = heard.take()
            #expect(told.count == 2 && told[0] == "10.0.0.1:80", "\(told)")
            #expect(told.last?.hasPrefix("failed: ") == true)
            names.server.behaviour = .answers
            names.server.set("scoring.shop", [.address("10.0.0.2")], timeToLive: 5)
            try await names.pass(60)
            #expect(heard.take() == ["10.0.0.2:80"])
        }
    }

    @Test("a name that is gone keeps its endpoints for half a minute")
    func absence() async throws {
        try await Names.run { names in
            names.server.set("scoring.shop", [.address("10.0.0.1")], timeToLive: 5)
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.pass(1)
            names.server.remove("scoring.shop")
            try await names.pass(30)
            #expect(heard.take() == ["10.0.0.1:80", "failed: scoring.shop has no addresses"])
            try await names.pass(10)
            #expect(heard.take() == ["", "failed: scoring.shop has no addresses"])
            names.server.set("scoring.shop", [.address("10.0.0.2")])
            try await names.pass(10)
            #expect(heard.take() == ["10.0.0.2:80"])
        }
    }

    @Test("half an answer does not take away what the other half was")
    func half() async throws {
        try await Names.run { names in
            names.server.set("scoring.shop", [.address("10.0.0.1"), .address("fd00::1")], timeToLive: 5)
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.pass(1)
            guard case .endpoints(let endpoints)? = heard.list.first else {
                Issue.record("expected endpoints")
                return
            }
            #expect(endpoints.map(\.alternatives) == [[.tcp(host: "10.0.0.1", port: 80)]])
            #expect(heard.take() == ["[fd00::1]:80"])
            names.server.fail("AAAA of scoring.shop")
            try await names.pass(300)
            #expect(heard.take() == [])
        }
    }

    @Test("the next server is asked where one is silent")
    func nextServer() async throws {
        try await Names.run(resolverFile: "nameserver 10.0.0.9\nnameserver 10.0.0.53\noptions timeout:1") { names in
            let silent = try await names.runtime.nameServer(at: "10.0.0.9")
            silent.behaviour = .isSilent
            names.server.set("scoring.shop", [.address("10.0.0.1")])
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.pass(2)
            #expect(heard.take() == ["10.0.0.1:80"])
            #expect(silent.questions.count == 2)
        }
    }

    @Test("a lost datagram is made up for, and a server that nobody listens at is given up at once")
    func lost() async throws {
        try await Names.run(seed: 3, resolverFile: "nameserver 10.0.0.1\nnameserver 10.0.0.53\noptions timeout:1") {
            names in
            names.runtime.partition(to: .tcp(host: "10.0.0.53", port: 53))
            names.server.set("scoring.shop", [.address("10.0.0.1")])
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.runtime.sleep(for: .milliseconds(900))
            names.runtime.heal(to: .tcp(host: "10.0.0.53", port: 53))
            try await names.runtime.sleep(for: .milliseconds(200))
            #expect(heard.take() == ["10.0.0.1:80"])
        }
    }

    @Test(
        "servers take turns where the file says so, and the first is asked where it does not", arguments: [true, false])
    func turns(rotates: Bool) async throws {
        let file = "nameserver 10.0.0.9\nnameserver 10.0.0.53\n" + (rotates ? "options rotate\n" : "")
        try await Names.run(resolverFile: file, { $0.families = .ipv4 }) { names in
            let other = try await names.runtime.nameServer(at: "10.0.0.9")
            for server in [names.server, other] {
                server.set("scoring.shop", [.address("10.0.0.1")], timeToLive: 1)
            }
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.pass(40)
            #expect(heard.take() == ["10.0.0.1:80"])
            #expect(other.questions.count > 10)
            #expect((names.server.questions.count > 10) == rotates, "\(names.server.questions.count)")
        }
    }

    @Test("where half of all datagrams are lost, services are found all the same")
    func lossy() async throws {
        for seed in 1...UInt64(rounds(10)) {
            try await Names.run(seed: seed, resolverFile: "nameserver 10.0.0.53\noptions timeout:1 attempts:5\n") {
                names in
                var faults = NetworkFaults()
                faults.toServer.loss = 0.3
                faults.toClient.loss = 0.3
                names.runtime.setFaults(faults, to: .tcp(host: "10.0.0.53", port: 53))
                names.server.set("scoring.shop", [.address("10.0.0.1")], timeToLive: 1_000)
                let heard = Heard("scoring.shop:80", of: names.resolver)
                try await names.pass(300)
                #expect(heard.take().last == "10.0.0.1:80", "seed \(seed)")
            }
        }
    }

    @Test("an answer that is too long for a datagram comes over TCP")
    func long() async throws {
        try await Names.run({ $0.families = .ipv4 }) { names in
            names.server.set("scoring.shop", (1...200).map { .address("10.0.1.\($0)") })
            let heard = Heard("scoring.shop:80", of: names.resolver)
            try await names.pass(1)
            #expect(heard.take().first?.split(separator: " ").count == 200)
            #expect(names.server.questions == ["A of scoring.shop", "A of scoring.shop over TCP"])
        }
    }

    @Test("aliases are followed, also those of other zones, and not for ever")
    func aliases() async throws {
        try await Names.run({ $0.families = .ipv4 }) { names in
            names.server.set("scoring.shop", [.alias("one.shop")])
            names.server.set("one.shop", [.alias("two.shop")])
            names.server.set("two.shop", [.address("10.0.0.1")])
            names.server.set("circle.shop", [.alias("circle.shop")])
            let (heard, circle) = (
                Heard("scoring.shop:80", of: names.resolver), Heard("circle.shop:80", of: names.resolver)
            )
            try await names.pass(1)
            #expect(heard.take() == ["10.0.0.1:80"])
            #expect(circle.take().first?.hasPrefix("failed: A of circle.shop") == true)
        }
    }

    @Test("SRV records say where servers listen, how many calls they get and which of them come first")
    func servers() async throws {
        try await Names.run { names in
            names.server.set(
                "_scoring._tcp.shop",
                [
                    .server("b.shop", port: 7_001, priority: 1, weight: 5), .server("a.shop", port: 7_000, weight: 3),
                    .server("gone.shop", port: 7_000),
                ])
            names.server.set("a.shop", [.address("10.0.0.1")])
            names.server.set("b.shop", [.address("10.0.0.2"), .address("fd00::2")])
            let heard = Heard("_scoring._tcp.shop", of: names.resolver)
            try await names.pass(1)
            #expect(
                heard.list == [
                    .endpoints([
                        ServiceEndpoint(.tcp(host: "10.0.0.1", port: 7_000), weight: 300),
                        ServiceEndpoint(
                            .tcp(host: "fd00::2", port: 7_001), weight: 500, priority: 1,
                            alternatives: [.tcp(host: "10.0.0.2", port: 7_001)]),
                    ])
                ])
        }
    }

    @Test("an SRV record of the root says that there is no such service")
    func declined() async throws {
        try await Names.run { names in
            names.server.set("_scoring._tcp.shop", [.server(".", port: 0)])
            let heard = Heard("_scoring._tcp.shop", of: names.resolver)
            try await names.pass(1)
            #expect(heard.take() == ["failed: _scoring._tcp.shop has no servers with addresses"])
        }
    }

    @Test("a short name is completed with the file's domains, and what is not there is not asked for again")
    func search() async throws {
        let file = "nameserver 10.0.0.53\nsearch shop.svc cluster\noptions ndots:5\n"
        try await Names.run(resolverFile: file, { $0.families = .ipv4 }) { names in
            names.server.set("scoring.cluster", [.address("10.0.0.1")], timeToLive: 5)
            names.server.negativeTimeToLive = 25
            let heard = Heard("scoring:80", of: names.resolver)
            try await names.pass(20)
            #expect(heard.take() == ["10.0.0.1:80"])
            #expect(
                names.server.questions
                    == ["A of scoring.shop.svc"] + [String](repeating: "A of scoring.cluster", count: 5))
        }
    }

    @Test("where nobody can tell of a name's first meaning, it is not taken for the second")
    func searchFailure() async throws {
        try await Names.run(resolverFile: "nameserver 10.0.0.53\nsearch shop.svc cluster\n") { names in
            names.server.set("scoring.cluster", [.address("10.0.0.1")])
            names.server.fail("A of scoring.shop.svc")
            names.server.fail("AAAA of scoring.shop.svc")
            let heard = Heard("scoring:80", of: names.resolver)
            try await names.pass(2)
            #expect(heard.take().allSatisfy { $0.hasPrefix("failed: ") })
            #expect(!names.server.questions.contains("A of scoring.cluster"))
        }
    }

    @Test("the hosts file, addresses and localhost are not asked for")
    func unasked() async throws {
        try await Names.run { names in
            names.runtime.setFile("/etc/hosts", to: "10.0.0.7 scoring.shop\n")
            let heard = ["scoring.shop:80", "10.0.0.8:80", "[fd00::8]:80", "localhost:80"].map {
                Heard($0, of: names.resolver)
            }
            try await names.pass(1)
            #expect(heard.map { $0.take() } == [["10.0.0.7:80"], ["10.0.0.8:80"], ["[fd00::8]:80"], ["[::1]:80"]])
            names.runtime.setFile("/etc/hosts", to: "10.0.0.9 scoring.shop\n")
            try await names.pass(30)
            #expect(heard[0].take() == ["10.0.0.9:80"])
            #expect(names.server.questions == [])
        }
    }

    @Test("a search list takes no name elsewhere that the hosts file or the machine knows")
    func unaskedWithSearch() async throws {
        try await Names.run(resolverFile: "nameserver 10.0.0.53\nsearch corp.example\n") { names in
            names.runtime.setFile("/etc/hosts", to: "10.0.0.7 db\n")
            for name in ["db", "localhost"] { names.server.set("\(name).corp.example", [.address("10.9.9.9")]) }
            let heard = ["db:80", "localhost:80"].map { Heard($0, of: names.resolver) }
            try await names.pass(1)
            #expect(heard.map { $0.take() } == [["10.0.0.7:80"], ["[::1]:80"]])
            #expect(names.server.questions == [])
        }
    }

    @Test("a service that is called as none can be fails at once")
    func badName() async throws {
        try await Names.run { names in
            let heard = Heard("scoring.shop", of: names.resolver)
            #expect(heard.take().first?.hasPrefix("failed: expected host:port") == true)
        }
    }

    @Test("without files and servers, what fails says so")
    func noServer() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let resolver = try DNSResolver(runtime: runtime)
            let heard = Heard("scoring.shop:80", of: resolver)
            try await runtime.sleep(for: .seconds(1))
            #expect(heard.take().first?.contains("127.0.0.1:53 cannot be reached") == true)
        }
    }

    @Test("one seed asks the same questions at the same times")
    func replay() async throws {
        func times() async throws -> [String] {
            try await SimulatedRuntime.run(seed: 9) { runtime in
                runtime.setFile("/etc/resolv.conf", to: "nameserver 10.0.0.53\n")
                let server = try await runtime.nameServer(at: "10.0.0.53")
                server.set("scoring.shop", [.address("10.0.0.1")], timeToLive: 3)
                let resolver = try DNSResolver(runtime: runtime)
                let heard = Heard("scoring.shop:80", of: resolver)
                var times: [String] = []
                for _ in 0..<100 {
                    try await runtime.sleep(for: .milliseconds(97))
                    times.append("\(server.questions.count)")
                }
                heard.stop()
                return times
            }
        }
        #expect(try await times() == times())
    }
}

/// A mesh whose services are found by name.
@Suite struct DNSDiscoveryTests {
    @Test("calls follow a service's records: new servers get calls, those that vanish finish what they have")
    func churn() async throws {
        try await Fleet.run("10.0.0.1", "10.0.0.2") { fleet in
            let runtime = fleet.simulation.runtime
            let (started, release) = (Gate(), Gate())
            try await fleet.start("10.0.0.3") { note in
                guard note.text == "slow" else { return }
                started.open()
                await release.wait()
            }
            runtime.setFile("/etc/resolv.conf", to: "nameserver 10.0.0.53\n")
            let names = try await runtime.nameServer(at: "10.0.0.53")
            names.set("echo.test", [.address("10.0.0.3")], timeToLive: 5)
            let resolver = try DNSResolver(runtime: runtime)
            let client = try fleet.client("echo.test:1000") {
                $0.resolver = resolver
                $0.balancing.policy = .roundRobin
            }
            async let slow = client.call(Echo.once, Note("slow"))
            await started.wait()
            names.set("echo.test", [.address("10.0.0.1"), .address("10.0.0.2")], timeToLive: 5)
            try await runtime.sleep(for: .seconds(7))
            _ = fleet.counts()
            for _ in 0..<10 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["10.0.0.1": 5, "10.0.0.2": 5])
            release.open()
            #expect(try await slow == Note("10.0.0.3"))
            names.behaviour = .isSilent
            try await runtime.sleep(for: .seconds(600))
            for _ in 0..<10 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["10.0.0.1": 5, "10.0.0.2": 5])
            client.close()
        }
    }

    @Test("a service that is gone fails with that reason, once its endpoints were given up")
    func gone() async throws {
        try await Fleet.run("10.0.0.1") { fleet in
            let runtime = fleet.simulation.runtime
            runtime.setFile("/etc/resolv.conf", to: "nameserver 10.0.0.53\n")
            let names = try await runtime.nameServer(at: "10.0.0.53")
            names.set("echo.test", [.address("10.0.0.1")], timeToLive: 5)
            let resolver = try DNSResolver(runtime: runtime)
            let client = try fleet.client("echo.test:1000") { $0.resolver = resolver }
            #expect(try await client.call(Echo.echo, Note("")) == Note("10.0.0.1"))
            names.remove("echo.test")
            try await runtime.sleep(for: .seconds(20))
            #expect(try await client.call(Echo.echo, Note("")) == Note("10.0.0.1"))
            try await runtime.sleep(for: .seconds(60))
            let error = await meshError { _ = try await client.call(Echo.echo, Note("")) }
            #expect(error?.code == .noEndpoint && error?.progress == .notSent)
            #expect(error?.message.contains("echo.test has no addresses") == true)
            client.close()
        }
    }
}
