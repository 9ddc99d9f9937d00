import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

/// What each fault of a simulated network does to clients and servers.
@Suite(.timeLimit(.minutes(5))) struct NetworkFaultsTests {
    @Test("a delay is drawn for each flush, within its bounds")
    func delay() async throws {
        try await FaultyMesh.run { mesh in
            let client = try await mesh.connected("a")
            mesh.setFaults { $0.toServer.delay = .milliseconds(100)...(.milliseconds(200)) }
            var times: Set<Duration> = []
            for number in 0..<20 as Range<UInt64> {
                let start = mesh.runtime.now
                _ = try await client.call(Counting.add, Number(number))
                times.insert(start.duration(to: mesh.runtime.now))
            }
            #expect(times.allSatisfy { $0 > .milliseconds(100) && $0 < .milliseconds(205) })
            #expect(times.count > 15)
            client.close()
        }
    }

    @Test("a pause holds up what follows on its connection")
    func pause() async throws {
        try await FaultyMesh.run { mesh in
            let client = try await mesh.connected("a")
            mesh.setFaults {
                $0.toServer.delay = .seconds(3)...(.seconds(3))
                $0.toServer.delayShare = 0.2
            }
            var slow = 0
            for number in 0..<100 as Range<UInt64> {
                let start = mesh.runtime.now
                _ = try await client.call(Counting.add, Number(number))
                if start.duration(to: mesh.runtime.now) > .seconds(2) { slow += 1 }
            }
            #expect((10...30).contains(slow))
            client.close()
        }
    }

    @Test("what different connections carry overtakes, and what one carries does not")
    func reordering() async throws {
        try await FaultyMesh.run { mesh in
            let (late, early) = (try await mesh.connected("late"), try await mesh.connected("early"))
            mesh.setFaults(from: "late") { $0.toServer.delay = .seconds(1)...(.seconds(1)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...3 as ClosedRange<UInt64> {
                    group.addTask { _ = try await late.call(Counting.add, Number(number)) }
                }
                try await mesh.runtime.sleep(for: .milliseconds(500))
                // Nothing holds the connection's later flushes up but those before them.
                mesh.setFaults(from: "late") { _ in }
                group.addTask { _ = try await late.call(Counting.add, Number(4)) }
                group.addTask { _ = try await early.call(Counting.add, Number(5)) }
                try await group.waitForAll()
            }
            #expect(mesh.handled.numbers.first == 5)
            #expect(Set(mesh.handled.numbers.dropFirst().prefix(3)) == [1, 2, 3])
            #expect(mesh.handled.numbers.last == 4)
            late.close()
            early.close()
        }
    }

    @Test("bytes that are lost end in a reset when it was asked for, and the call may have run")
    func lossAndReset() async throws {
        try await FaultyMesh.run { mesh in
            let client = try await mesh.connected("a")
            mesh.setFaults {
                $0.toClient.loss = 1
                $0.toClient.resetAfter = .seconds(2)
            }
            let (error, time) = await mesh.failure { _ = try await client.call(Counting.addOnce, Number(1)) }
            #expect(error?.code == .connectionLost && error?.progress == .mayHaveRun)
            #expect(time > .seconds(2) && time < .milliseconds(2_010))
            #expect(mesh.handled.numbers == [1])
            #expect(mesh.runtime.trace.events(containing: "are lost, and all that follows").count == 1)
            client.close()
        }
    }

    @Test("a half-open connection ends when the keep-alive says so")
    func halfOpen() async throws {
        try await FaultyMesh.run { mesh in
            let client = try await mesh.connected("a") {
                $0.keepAlive?.interval = .seconds(5)
                $0.keepAlive?.timeout = .seconds(3)
            }
            mesh.setFaults { $0.toClient.isSilent = true }
            let (error, time) = await mesh.failure {
                _ = try await client.call(Counting.addOnce, Number(1), timeout: .seconds(60))
            }
            #expect(error?.code == .connectionLost && error?.progress == .mayHaveRun)
            #expect(error?.message.contains("said nothing") == true)
            // What was read before counts when the interval is looked at for the first time.
            #expect(time >= .seconds(8) && time <= .seconds(13))
            #expect(mesh.handled.numbers == [1])
            client.close()
        }
    }

    @Test("a connection that has fallen silent stays so when the faults are gone, and a new one works")
    func silenceLasts() async throws {
        try await FaultyMesh.run { mesh in
            let client = try await mesh.connected("a") { $0.retry.attemptTimeout = .seconds(1) }
            mesh.setFaults { $0.toServer.isSilent = true }
            let (lost, _) = await mesh.failure {
                _ = try await client.call(Counting.addOnce, Number(1), timeout: .seconds(1))
            }
            #expect(lost?.code == .deadlineExceeded)
            mesh.setFaults { _ in }
            let (still, _) = await mesh.failure {
                _ = try await client.call(Counting.addOnce, Number(2), timeout: .seconds(1))
            }
            #expect(still?.code == .deadlineExceeded)
            let other = try mesh.client("b")
            #expect(try await other.call(Counting.addOnce, Number(3)) == Number(4))
            #expect(mesh.handled.numbers == [3])
            client.close()
            other.close()
        }
    }

    @Test("a truncated answer leaves the outcome open")
    func truncation() async throws {
        try await FaultyMesh.run { mesh in
            let client = try await mesh.connected("a")
            mesh.setFaults { $0.toClient.truncation = 1 }
            let (error, time) = await mesh.failure { _ = try await client.call(Counting.addOnce, Number(1)) }
            #expect(error?.code == .connectionLost && error?.progress == .mayHaveRun)
            #expect(time < .milliseconds(10))
            #expect(mesh.handled.numbers == [1])
            client.close()
        }
    }

    @Test("idempotent calls succeed although connections end in the middle", arguments: 1...20 as ClosedRange<UInt64>)
    func idempotentRetries(seed: UInt64) async throws {
        try await FaultyMesh.run(seed: seed) { mesh in
            let client = try mesh.client("a") { $0.retry.maximumAttempts = 200 }
            mesh.setFaults {
                $0.toServer.truncation = 0.1
                $0.toClient.truncation = 0.1
            }
            for number in 1...20 as ClosedRange<UInt64> {
                #expect(
                    try await client.call(Counting.add, Number(number), timeout: .seconds(600)) == Number(number + 1),
                    "seed \(seed)")
            }
            #expect(!mesh.runtime.trace.events(containing: "ends after").isEmpty)
            client.close()
        }
    }

    @Test("a deduplicated call is applied once, wherever its connections end")
    func deduplication() async throws {
        var truncations = 0
        for seed in 1...200 as ClosedRange<UInt64> {
            truncations += try await FaultyMesh.run(seed: seed) { mesh in
                let client = try mesh.client("a") { $0.retry.maximumAttempts = 200 }
                mesh.setFaults {
                    $0.toServer.truncation = 0.15
                    $0.toClient.truncation = 0.15
                    $0.toClient.delay = .zero ... .milliseconds(20)
                }
                for number in 1...5 as ClosedRange<UInt64> {
                    let sum = try await client.call(Counting.addExactlyOnce, Number(number), timeout: .seconds(600))
                    #expect(sum == Number(number + 1), "seed \(seed)")
                }
                #expect(mesh.handled.numbers == [1, 2, 3, 4, 5], "seed \(seed)")
                client.close()
                return mesh.runtime.trace.events(containing: "ends after").count
            }
        }
        #expect(truncations > 200)
    }

    @Test("a slow reader holds its peer back, which keeps no more than a socket would")
    func slowReader() async throws {
        try await FaultyMesh.run { mesh in
            let client = try await mesh.connected("a") { $0.retry.attemptTimeout = .seconds(120) }
            mesh.setFaults { $0.toServer.readingPace = NetworkFaults.Pace(bytes: 10_000, every: .milliseconds(100)) }
            let start = mesh.runtime.now
            try await withThrowingTaskGroup(of: Number.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await client.call(Counting.count, Block(100_000), timeout: .seconds(120))
                    }
                }
                for try await count in group { #expect(count == Number(100_000)) }
            }
            let time = start.duration(to: mesh.runtime.now)
            #expect(time > .seconds(19) && time < .seconds(22))
            // 2 MB were to be sent: the network has never had more of it than the watermark and one write of a frame.
            let waiting = mesh.runtime.trace.events(containing: "unwritable with").compactMap { line in
                line.split(separator: " ").compactMap { Int($0) }.last
            }
            #expect(waiting.count > 5)
            #expect(waiting.allSatisfy { $0 <= (64 << 10) + (256 << 10) })
            client.close()
        }
    }

    @Test("a partition lets nothing pass and takes nobody else along, and what was sent arrives when it heals")
    func partition() async throws {
        try await FaultyMesh.run { mesh in
            let (cut, other) = (try await mesh.connected("cut"), try await mesh.connected("other"))
            mesh.runtime.partition(from: "cut", to: FaultyMesh.endpoint)
            async let waiting = cut.call(Counting.addOnce, Number(1))
            let start = mesh.runtime.now
            #expect(try await other.call(Counting.addOnce, Number(2)) == Number(3))
            let new = try mesh.client("cut") { $0.connectTimeout = .seconds(1) }
            let (error, time) = await mesh.failure { _ = try await new.call(Counting.addOnce, Number(3)) }
            #expect(error?.code == .connectFailed && error?.progress == .notSent)
            #expect(time >= .seconds(1))
            #expect(mesh.handled.numbers == [2])
            mesh.runtime.heal(from: "cut", to: FaultyMesh.endpoint)
            #expect(try await waiting == Number(2))
            #expect(start.duration(to: mesh.runtime.now) >= time)
            #expect(try await new.call(Counting.addOnce, Number(4)) == Number(5))
            #expect(mesh.handled.numbers == [2, 1, 4])
            for client in [cut, other, new] { client.close() }
        }
    }

    @Test("a connection that a partition keeps waiting is made when it heals in time")
    func healedInTime() async throws {
        try await FaultyMesh.run { mesh in
            mesh.runtime.partition()
            let client = try mesh.client("a")
            async let sum = client.call(Counting.add, Number(1))
            try await mesh.runtime.sleep(for: .seconds(2))
            #expect(mesh.handled.numbers.isEmpty)
            mesh.runtime.heal()
            #expect(try await sum == Number(2))
            client.close()
        }
    }

    @Test("one seed makes the same faults, and another seed others")
    func replay() async throws {
        @Sendable func trace(_ seed: UInt64) async throws -> String {
            try await FaultyMesh.run(seed: seed) { mesh in
                let client = try mesh.client("a") { $0.retry.maximumAttempts = 200 }
                mesh.setFaults {
                    for side in [\NetworkFaults.toServer, \.toClient] {
                        $0[keyPath: side].delay = .zero ... .milliseconds(50)
                        $0[keyPath: side].loss = 0.05
                        $0[keyPath: side].resetAfter = .seconds(1)
                        $0[keyPath: side].truncation = 0.05
                    }
                }
                for number in 1...30 as ClosedRange<UInt64> {
                    _ = try await client.call(Counting.addExactlyOnce, Number(number), timeout: .seconds(300))
                }
                #expect(mesh.handled.numbers == Array(1...30))
                client.close()
                return mesh.runtime.trace.text
            }
        }
        let first = try await trace(3)
        #expect(first == (try await trace(3)))
        #expect(first != (try await trace(4)))
        for event in ["are lost", "ends after", "more", "reset"] { #expect(first.contains(event), "\(event)") }
    }
}
