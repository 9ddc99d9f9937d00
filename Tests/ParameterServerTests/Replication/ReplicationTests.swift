import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// Whole servers that follow each other, on hosts that die and stop.
@Suite struct ReplicationTests {
    @Test("a push is answered when every follower has it, and says so; all hold the same bits", arguments: [1, 2])
    func replicates(replicas: Int) async throws {
        try await ReplicatedJob.run(seed: 3, replicas: replicas) { job in
            async let first = job.work(slot: 0, steps: 30)
            async let second = job.work(slot: 1, steps: 30)
            let outcomes = try await [first, second]
            for outcome in outcomes {
                #expect(outcome.errors.isEmpty, "\(outcome.errors)")
                #expect(outcome.durabilities == [.replicated(replicas)])
            }
            #expect(try await job.isSettled())
            #expect(await job.differences() == [])
            let audit = try await job.audit()
            #expect(audit.discrepancies == [])
            #expect((audit.sent, audit.acknowledged, audit.applied) == (240, 240, 240))
        }
    }

    /// Which server is killed, by its place in the chain of the first partition.
    @Test(
        "head, middle or tail killed at any moment: nothing acknowledged is lost, and the rest hold the same bits",
        arguments: [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)])
    func killed(replicas: Int, place: Int) async throws {
        for seed in 1...UInt64(rounds(2)) {
            try await ReplicatedJob.run(seed: seed, servers: replicas + 2, replicas: replicas) { job in
                async let first = job.work(slot: 0, steps: 100)
                async let second = job.work(slot: 1, steps: 100)
                try await job.runtime.sleep(for: .microseconds(150_000 + Int64(seed * 7_919 % 40_000)))
                let victim = try #require(job.server(atPlace: place))
                job.kill(victim)
                let outcomes = try await [first, second]
                for outcome in outcomes { #expect(outcome.errors.isEmpty, "seed \(seed): \(outcome.errors)") }
                let isSettled = try await job.isSettled()
                #expect(isSettled, "seed \(seed): \(job.entries)")
                #expect(job.entries.allSatisfy { $0.intactSince == 1 && !$0.chain.contains("server-\(victim)") })
                #expect(await job.differences() == [], "seed \(seed)")
                let audit = try await job.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect(audit.acknowledged == 800 && audit.applied == 800, "seed \(seed)")
            }
        }
    }

    @Test("ten failures in a row, each after the one before was made good: nothing acknowledged is lost")
    func tenInARow() async throws {
        for seed in 1...UInt64(rounds(1)) {
            try await ReplicatedJob.run(seed: seed, replicas: 1) { job in
                async let first = job.work(slot: 0, steps: 250, pause: .milliseconds(40))
                async let second = job.work(slot: 1, steps: 250, pause: .milliseconds(40))
                try await job.runtime.sleep(for: .milliseconds(200))
                for failure in 0..<10 {
                    let victim = try #require(job.server(atPlace: failure % 2))
                    job.kill(victim)
                    try await job.runtime.sleep(for: .milliseconds(100))
                    try await job.restart(victim)
                    let isSettled = try await job.isSettled()
                    #expect(isSettled, "seed \(seed), failure \(failure): \(job.entries)")
                }
                let outcomes = try await [first, second]
                for outcome in outcomes { #expect(outcome.errors.isEmpty, "seed \(seed): \(outcome.errors)") }
                let isSettled = try await job.isSettled()
                #expect(isSettled)
                #expect(job.entries[0].epoch > 10 && job.entries.allSatisfy { $0.intactSince == 1 }, "seed \(seed)")
                #expect(await job.differences() == [], "seed \(seed)")
                let audit = try await job.audit()
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect(audit.acknowledged == 2_000 && audit.applied == 2_000, "seed \(seed)")
            }
        }
    }

    @Test("a head that is paused past its failover acknowledges nothing when it goes on, and follows")
    func resumed() async throws {
        for seed in 1...UInt64(rounds(2)) {
            try await ReplicatedJob.run(seed: seed, replicas: 1) { job in
                async let first = job.work(slot: 0, steps: 150, pause: .milliseconds(30))
                async let second = job.work(slot: 1, steps: 150, pause: .milliseconds(30))
                try await job.runtime.sleep(for: .microseconds(150_000 + Int64(seed * 7_919 % 40_000)))
                let victim = try #require(job.server(atPlace: 0))
                let heads = job.entries.map(\.head)
                job.host(victim).pause()
                try await job.runtime.sleep(for: .seconds(4))
                #expect(job.entries.map(\.head) != heads, "seed \(seed)")
                job.host(victim).resume()
                _ = try await [first, second]
                let isSettled = try await job.isSettled()
                #expect(isSettled, "seed \(seed): \(job.entries)")
                #expect(await job.differences() == [], "seed \(seed)")
                let audit = try await job.audit()
                // What it had executed and not passed on is nowhere, and nobody was told of it.
                #expect(audit.discrepancies == [], "seed \(seed)")
                #expect(audit.acknowledged > 0 && audit.applied >= audit.acknowledged, "seed \(seed)")
            }
        }
    }

    @Test("a follower that its head cannot reach is dropped, and comes back when it can")
    func unreachable() async throws {
        try await ReplicatedJob.run(seed: 5, replicas: 1) { job in
            async let working = job.work(slot: 0, steps: 200, pause: .milliseconds(50))
            try await job.runtime.sleep(for: .milliseconds(300))
            let (head, follower) = (try #require(job.server(atPlace: 0)), try #require(job.server(atPlace: 1)))
            let record = try #require(job.cluster.coordinator.map.server(named: "server-\(follower)"))
            let endpoint = Endpoint.tcp(host: record.host, port: record.port)
            job.runtime.partition(from: "/server/\(head)", to: endpoint)
            try await job.runtime.sleep(for: .seconds(5))
            #expect(job.entries[0].epoch > 1, "\(job.entries[0])")
            job.runtime.heal(from: "/server/\(head)", to: endpoint)
            _ = try await working
            let isSettled = try await job.isSettled()
            #expect(isSettled, "\(job.entries)")
            #expect(await job.differences() == [])
            let audit = try await job.audit()
            #expect(audit.discrepancies == [] && audit.acknowledged > 0)
        }
    }

    @Test("with logs too, a server that starts again gives up what its log had, and is given what the chain has")
    func logged() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.log = PartitionLogConfiguration(folder: "/parameters", sync: .process)
        try await ReplicatedJob.run(seed: 8, replicas: 1, configuration: configuration) { job in
            async let working = job.work(slot: 0, steps: 150, pause: .milliseconds(20))
            try await job.runtime.sleep(for: .milliseconds(200))
            for failure in 0..<3 {
                let victim = try #require(job.server(atPlace: failure % 2))
                job.kill(victim)
                try await job.runtime.sleep(for: .milliseconds(100))
                try await job.restart(victim)
                let isSettled = try await job.isSettled()
                #expect(isSettled, "failure \(failure): \(job.entries)")
            }
            let outcome = try await working
            #expect(outcome.errors.isEmpty, "\(outcome.errors)")
            #expect(outcome.durabilities.contains(.replicated(1)))
            let isSettled = try await job.isSettled()
            #expect(isSettled)
            #expect(await job.differences() == [])
            let audit = try await job.audit()
            #expect(audit.discrepancies == [] && audit.acknowledged == 600)
        }
    }

    @Test("a head that was a follower shuts out a session that neither it nor the head before had been told of")
    func newestFence() async throws {
        try await ReplicatedJob.run(seed: 4, servers: 2, replicas: 1) { job in
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            try await client.declare(job.tables())
            let gradients = try NamedTensors([
                ("weight", .full([8, 5], Float(1))), ("bias", .full([5], Float(1))),
            ])
            let before = try await client.push(gradients)
            #expect(before.failed.isEmpty)
            for server in job.cluster.coordinator.map.servers {
                job.runtime.partition(from: "/coordinator", to: .tcp(host: server.host, port: server.port))
            }
            // The replacement has the slot, and no server knows.
            let next = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            let head = try #require(job.server(atPlace: 0))
            job.kill(head)
            try await job.runtime.sleep(for: .seconds(4))
            let late = try await client.push(gradients)
            #expect(late.acknowledged.isEmpty && Set(late.failed.map(\.error.code)) == [.sessionFenced], "\(late)")
            try await next.declare(job.tables())
            let report = try await next.push(gradients)
            #expect(report.failed.isEmpty, "\(report.failed)")
            client.close()
            next.close()
        }
    }

    @Test("what a session's successor is told is at every server of the chain: of a head that waits it learns nothing")
    func reportOutlivesHead() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.replication.followerTimeout = .seconds(20)
        try await ReplicatedJob.run(seed: 8, servers: 2, replicas: 1, configuration: configuration) { job in
            let client = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            try await client.declare(job.tables())
            let gradients = try NamedTensors([
                ("weight", .full([8, 5], Float(1))), ("bias", .full([5], Float(1))),
            ])
            let before = try await client.push(gradients)
            #expect(before.failed.isEmpty)
            let servers = job.cluster.coordinator.map.servers
            for (server, other) in [(0, servers[1]), (1, servers[0])] {
                job.runtime.partition(from: "/server/\(server)", to: .tcp(host: other.host, port: other.port))
            }
            async let waiting = client.push(gradients)
            try await job.runtime.sleep(for: .milliseconds(200))
            let next = try await job.cluster.client(job.cluster.mesh("/worker/0"), slot: 0)
            #expect(
                next.session.predecessor?.applied.isEmpty == true, "\(String(describing: next.session.predecessor))")
            #expect(Set(next.session.unconfirmed) == Set(job.entries.map(\.id)))
            for (server, other) in [(0, servers[1]), (1, servers[0])] {
                job.runtime.heal(from: "/server/\(server)", to: .tcp(host: other.host, port: other.port))
            }
            _ = try await waiting
            client.close()
            next.close()
        }
    }

    @Test("a follower refuses whoever is not the server before it in the chain, and nothing changes")
    func intruder() async throws {
        try await ReplicatedJob.run(seed: 6, replicas: 1) { job in
            let outcome = try await job.work(slot: 0, steps: 3)
            #expect(outcome.errors.isEmpty)
            let entry = try #require(job.entries.first)
            let follower = try #require(job.cluster.coordinator.map.server(named: entry.followers[0]))
            let client = try job.cluster.mesh("/worker/9").client(follower.destination)
            let record = PartitionRecord(position: 1_000, epoch: entry.epoch, change: .epoch(intactSince: 9))
            // Without a beginning, and with one.
            for content in [ChainMessage.Content.record(record), .begin(isJoining: false)] {
                do {
                    try await client.call(ReplicationService.chain, timeout: .milliseconds(200)) { sender, replies in
                        try await sender.send(
                            ChainMessage(partition: entry.id, epoch: entry.epoch, content: content))
                        for try await reply in replies { Issue.record("\(reply)") }
                    }
                    Issue.record("taken")
                } catch let error as MeshError {
                    if case .begin = content {
                        #expect(error.status == .permissionDenied && error.message.contains("is not server"))
                    } else {
                        #expect(error.code == .deadlineExceeded)
                    }
                }
            }
            client.close()
            let isSettled = try await job.isSettled()
            #expect(isSettled)
            #expect(await job.differences() == [])
            let audit = try await job.audit()
            #expect(audit.discrepancies == [] && audit.applied == 12)
        }
    }

    @Test("one seed makes one trace of a job whose servers follow each other and die")
    func replays() async throws {
        func trace(_ seed: UInt64) async throws -> String {
            try await ReplicatedJob.run(seed: seed, replicas: 1) { job in
                async let working = job.work(slot: 0, steps: 60)
                try await job.runtime.sleep(for: .milliseconds(120))
                if let victim = job.server(atPlace: 0) { job.kill(victim) }
                _ = try await working
                _ = try await job.isSettled()
                _ = try await job.audit()
                return job.runtime.trace.text
            }
        }
        let (first, second) = (try await trace(9), try await trace(9))
        #expect(first == second)
        #expect(first.contains("is killed"))
    }
}
