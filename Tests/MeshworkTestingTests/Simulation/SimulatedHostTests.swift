import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

@Suite struct SimulatedHostTests {
    // MARK: Death

    @Test(
        "a killed host sends nothing more and none of its tasks runs again, whatever it was doing",
        arguments: 1...40 as ClosedRange<UInt64>)
    func killedSendsNothing(seed: UInt64) async throws {
        try await HostScene.run(seed: seed) { scene in
            let runtime = scene.runtime
            let (received, steps) = (Numbers(), Numbers())
            try await scene.serve(runtime.host("server"), received)
            let host = runtime.host("worker")
            let died = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await host.run {
                            try await withThrowingTaskGroup(of: Void.self) { group in
                                let mesh = try scene.mesh(host)
                                let client = try scene.client(mesh, of: "server")
                                group.addTask {
                                    for step in 0... as PartialRangeFrom<UInt64> {
                                        _ = try await client.call(Counting.add, Number(step % 500))
                                        steps.append(step)
                                    }
                                }
                                group.addTask {
                                    try await client.call(Counting.echo) { requests, responses in
                                        for step in 1_000... as PartialRangeFrom<UInt64> {
                                            try await requests.send(Number(step))
                                            try await host.sleep(for: .microseconds(200))
                                            steps.append(step)
                                        }
                                    }
                                }
                                group.addTask {
                                    while true {
                                        try await host.sleep(for: .microseconds(50))
                                        steps.append(.max)
                                    }
                                }
                                try await group.waitForAll()
                            }
                        }
                    } catch { return (error as? SimulatedHostDied)?.host == "worker" }
                    return false
                }
                try await runtime.sleep(for: .microseconds(20_000 + Int64(seed) * 1_371))
                host.kill()
                let stepsAtDeath = steps.all.count
                #expect(stepsAtDeath > 100, "seed \(seed)")
                // What was on its way may arrive.
                try await runtime.sleep(for: .milliseconds(3))
                let receivedAfterwards = received.all.count
                try await runtime.sleep(for: .seconds(60))
                #expect(received.all.count == receivedAfterwards, "seed \(seed)")
                #expect(steps.all.count == stepsAtDeath, "seed \(seed)")
                return try await group.next() ?? false
            }
            #expect(died, "seed \(seed)")
            #expect(!host.isAlive)
        }
    }

    @Test("the calls of a killed host's peers fail at once, with an error that says what is known of them")
    func peersOfTheDead() async throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            try await HostScene.run(seed: seed) { scene in
                let runtime = scene.runtime
                let (handled, host) = (Numbers(), runtime.host("server"))
                try await scene.serve(host, handled)
                let mesh = try scene.mesh(runtime.host("client"))
                let client = try scene.client(mesh, of: "server")
                _ = try await client.call(Counting.addOnce, Number(1))
                async let lost = meshError { _ = try await client.call(Counting.addOnce, Number(900_000)) }
                async let streamed = meshError {
                    try await client.call(Counting.echo) { _, responses in for try await _ in responses {} }
                }
                try await runtime.sleep(for: .milliseconds(100))
                let death = runtime.now
                host.kill()
                let (error, streamError) = (await lost, await streamed)
                #expect(death.duration(to: runtime.now) < .milliseconds(10), "seed \(seed)")
                #expect(
                    error?.code == .connectionLost && error?.progress == .mayHaveRun, "seed \(seed): \(error as Any)")
                #expect(streamError?.code == .connectionLost, "seed \(seed): \(streamError as Any)")
                #expect(handled.all == [1, 900_000], "seed \(seed)")
                let refused = await meshError { _ = try await client.call(Counting.addOnce, Number(2)) }
                #expect(refused?.code == .connectFailed && refused?.progress == .notSent, "seed \(seed)")
                client.close()
            }
        }
    }

    @Test("a server whose caller is killed finds the call cancelled")
    func callerKilled() async throws {
        let outcome = try await HostScene.run(seed: 1) { scene in
            let runtime = scene.runtime
            let mesh = try scene.mesh(runtime.host("server"))
            let outcome = Mutex("")
            mesh.serve(Counting.add) { number, _ in
                do { try await runtime.host("server").sleep(for: .seconds(600)) } catch {
                    outcome.withLock { $0 = "\(type(of: error)) at \(runtime.now.nanoseconds / 1_000_000) ms" }
                }
                return number
            }
            try await mesh.listen(on: HostScene.endpoint(of: "server"))
            let host = runtime.host("client")
            async let dead: Void = host.run {
                _ = try await scene.client(scene.mesh(host), of: "server").call(Counting.add, Number(1))
            }
            try await runtime.sleep(until: RuntimeInstant(nanoseconds: 500_000_000))
            host.kill()
            try await runtime.sleep(for: .seconds(1))
            do { try await dead } catch { #expect(error is SimulatedHostDied) }
            return outcome.withLock { $0 }
        }
        #expect(["CancellationError at 500 ms", "CancellationError at 501 ms"].contains(outcome))
    }

    @Test("of what was on its way from a killed host a part arrives, then a reset")
    func reset() async throws {
        var received: Set<Int> = []
        for seed in 1...30 as ClosedRange<UInt64> {
            let peer = Receiver()
            try await SimulatedRuntime.run(seed: seed) { runtime in
                let here = Endpoint.tcp(host: "here", port: 1)
                _ = try await runtime.network.listen(on: here) { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(peer) }
                }.get()
                let host = runtime.host("sender")
                let channel = try await host.network.connect(
                    to: here, on: host.eventLoopGroup.next(), timeout: .seconds(1)
                ) { $0.eventLoop.makeSucceededVoidFuture() }.get()
                try await channel.writeAndFlush(ByteBuffer(repeating: 1, count: 1_000))
                host.kill()
                channel.writeAndFlush(ByteBuffer(repeating: 2, count: 1_000), promise: nil)
                try await runtime.sleep(for: .seconds(1))
                #expect(peer.errors == ["the connection was reset"] && peer.isClosed, "seed \(seed)")
                #expect(peer.bytes.allSatisfy { $0 == 1 }, "seed \(seed)")
            }
            received.insert(peer.bytes.count)
        }
        #expect(received.count > 10 && received.allSatisfy { $0 < 1_000 }, "\(received)")
    }

    @Test("a host that a job of its own kills does nothing after that job")
    func suicide() async throws {
        let done = try await HostScene.run(seed: 1) { scene in
            let (host, done) = (scene.runtime.host("a"), Numbers())
            do {
                try await host.run {
                    await withTaskGroup(of: Void.self) { group in
                        for number in 0..<10 as Range<UInt64> {
                            group.addTask {
                                done.append(number)
                                if number == 4 { host.kill() }
                                await Task.yield()
                                done.append(100 + number)
                            }
                        }
                    }
                }
            } catch { #expect(error is SimulatedHostDied) }
            try await scene.runtime.sleep(for: .seconds(1))
            return done.all
        }
        #expect(done == [0, 1, 2, 3, 4])
    }

    @Test("what hangs on a host's death is called once, at that moment, in order")
    func whenKilled() async throws {
        let trace = try await HostScene.run(seed: 1) { scene in
            let (runtime, host) = (scene.runtime, scene.runtime.host("a"))
            for disk in 1...2 { host.whenKilled { runtime.record("disk \(disk) is gone") } }
            try await runtime.sleep(for: .seconds(1))
            host.kill()
            host.kill()
            _ = host.restart()
            return runtime.trace.text
        }
        #expect(
            trace == """
                1000000000 host a is killed
                1000000000 disk 1 is gone
                1000000000 disk 2 is gone
                1000000000 host a starts again

                """)
    }

    @Test("a restarted host is reachable at the address of the life before, which stays dead")
    func restart() async throws {
        try await HostScene.run(seed: 3) { scene in
            let (runtime, handled) = (scene.runtime, [Numbers(), Numbers()])
            let first = runtime.host("server")
            try await scene.serve(first, handled[0])
            let client = try scene.client(scene.mesh(runtime.host("client")), of: "server")
            _ = try await client.call(Counting.add, Number(1))
            let second = first.restart()
            #expect(!first.isAlive && second.isAlive && runtime.host("server") === second)
            try await scene.serve(second, handled[1])
            try await runtime.sleep(for: .seconds(1))
            #expect(try await client.call(Counting.add, Number(2)) == Number(3))
            #expect(handled.map(\.all) == [[1], [2]])
            do {
                try await first.run {}
                Issue.record("a dead host ran something")
            } catch { #expect((error as? SimulatedHostDied)?.host == "server") }
            client.close()
        }
    }

    @Test("the memory of a dead host's tasks, meshes and connections is given back when the simulation ends")
    func memory() async throws {
        let (made, freed) = (Tally(), Tally())
        try await HostScene.run(seed: 5) { scene in
            let runtime = scene.runtime
            var host = runtime.host("server")
            for _ in 0..<20 {
                let life = host
                let started = Numbers()
                async let dead: Void = life.run {
                    let held = Held(made, freed)
                    let mesh = try scene.mesh(life)
                    mesh.serve(Counting.add) { number, _ in
                        _ = held
                        try await life.sleep(until: RuntimeInstant(nanoseconds: .max))
                        return number
                    }
                    try await mesh.listen(on: HostScene.endpoint(of: "server"))
                    let own = try scene.client(mesh, of: "server")
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { _ = try await own.call(Counting.add, Number(1)) }
                        group.addTask { [held = Held(made, freed)] in
                            defer { _ = held }
                            try await life.sleep(for: .seconds(1_000_000))
                        }
                        started.append(1)
                        try await group.waitForAll()
                    }
                }
                try await runtime.sleep(for: .milliseconds(50))
                #expect(started.all == [1])
                host = life.restart()
                do { try await dead } catch { #expect(error is SimulatedHostDied) }
            }
            #expect(freed.count == 0, "tasks of a dead host have run")
            host.kill()
        }
        #expect(made.count == 40)
        #expect(freed.count == 40)
    }

    // MARK: Stops

    @Test("a paused host goes on where it was, finds its deadlines passed, and its timers fire late")
    func pause() async throws {
        try await HostScene.run(seed: 2) { scene in
            let (runtime, handled) = (scene.runtime, Numbers())
            try await scene.serve(runtime.host("server"), handled)
            let host = runtime.host("worker")
            let mesh = try scene.mesh(host)
            let client = try scene.client(mesh, of: "server")
            _ = try await client.call(Counting.add, Number(1))
            let begin = runtime.now
            async let late = host.run { () -> [Int64] in
                var times: [Int64] = []
                for _ in 0..<3 {
                    try await host.sleep(for: .milliseconds(100))
                    times.append(begin.duration(to: host.now).inNanoseconds / 1_000_000)
                }
                return times
            }
            async let call = host.run {
                let error = await meshError {
                    _ = try await client.call(Counting.add, Number(2_000_000), timeout: .seconds(1))
                }
                return (error, begin.duration(to: host.now))
            }
            try await runtime.sleep(until: begin.advanced(by: .milliseconds(150)))
            host.pause()
            try await runtime.sleep(until: begin.advanced(by: .seconds(30)))
            #expect(handled.all == [1, 2_000_000])
            host.resume()
            #expect(try await late == [100, 30_000, 30_100])
            let (error, time) = try await call
            #expect(error?.code == .deadlineExceeded && error?.progress == .mayHaveRun, "\(error as Any)")
            #expect(time >= .seconds(30) && time < .milliseconds(30_010))
            // Nothing was reset: the connection of before the pause carries the next call.
            #expect(try await client.call(Counting.add, Number(2)) == Number(3))
            #expect(runtime.trace.events(containing: "reset").isEmpty)
            client.close()
        }
    }

    @Test("a paused server lets its peers' calls run into their deadlines, and answers the next when it goes on")
    func pausedServer() async throws {
        try await HostScene.run(seed: 4) { scene in
            let (runtime, handled, host) = (scene.runtime, Numbers(), scene.runtime.host("server"))
            try await scene.serve(host, handled)
            let client = try scene.client(scene.mesh(runtime.host("client")), of: "server")
            _ = try await client.call(Counting.add, Number(1))
            host.pause()
            let begin = runtime.now
            let error = await meshError { _ = try await client.call(Counting.add, Number(2), timeout: .seconds(5)) }
            #expect(error?.code == .deadlineExceeded && error?.progress == .mayHaveRun, "\(error as Any)")
            #expect(begin.duration(to: runtime.now) == .seconds(5))
            #expect(handled.all == [1])
            // Its kernel takes the connection of another peer, who then waits for the handshake.
            let other = try scene.client(
                scene.mesh(runtime.host("other")) { $0.handshakeTimeout = .seconds(2) }, of: "server")
            let unheard = await meshError { _ = try await other.call(Counting.add, Number(3), timeout: .seconds(20)) }
            #expect(unheard?.progress == .notSent, "\(unheard as Any)")
            host.resume()
            #expect(try await client.call(Counting.add, Number(4)) == Number(5))
            #expect(handled.all.last == 4)
            client.close()
            other.close()
        }
    }

    @Test("what peers send to a paused host fills its buffers, and arrives whole when it goes on")
    func fills() async throws {
        let peer = Receiver()
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let host = runtime.host("receiver")
            _ = try await host.network.listen(on: .tcp(host: "here", port: 1)) { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(peer) }
            }.get()
            let channel = try await runtime.network.connect(
                to: .tcp(host: "here", port: 1), on: runtime.eventLoopGroup.next(), timeout: .seconds(1)
            ) { $0.eventLoop.makeSucceededVoidFuture() }.get()
            host.pause()
            for _ in 0..<10 { channel.writeAndFlush(ByteBuffer(repeating: 1, count: 10_000), promise: nil) }
            try await runtime.sleep(for: .seconds(10))
            #expect(peer.bytes.isEmpty && !channel.isWritable)
            host.resume()
            try await runtime.sleep(for: .seconds(1))
            #expect(peer.bytes.count == 100_000 && channel.isWritable && !peer.isClosed)
            try await channel.close()
        }
    }

    @Test("a host that is killed while it is paused never runs again")
    func killedInPause() async throws {
        let steps = try await HostScene.run(seed: 1) { scene in
            let (host, steps) = (scene.runtime.host("a"), Numbers())
            async let dead: Void = host.run {
                while true {
                    try await host.sleep(for: .milliseconds(10))
                    steps.append(1)
                }
            }
            try await scene.runtime.sleep(for: .milliseconds(25))
            host.pause()
            try await scene.runtime.sleep(for: .milliseconds(25))
            host.kill()
            host.resume()
            do { try await dead } catch { #expect(error is SimulatedHostDied) }
            try await scene.runtime.sleep(for: .seconds(1))
            return steps.all.count
        }
        #expect(steps == 2)
    }

    // MARK: Clocks

    @Test("a host's time of day is set apart from the others', and its waits are as long as before")
    func clockStep() async throws {
        try await HostScene.run(seed: 1) { scene in
            let runtime = scene.runtime
            let (host, other) = (runtime.host("a"), runtime.host("b"))
            host.stepClock(by: .seconds(-3_600))
            #expect(host.timeSince1970 == runtime.timeSince1970 - .seconds(3_600))
            #expect(other.timeSince1970 == runtime.timeSince1970)
            let begin = runtime.now
            try await host.run { try await host.sleep(for: .seconds(1)) }
            #expect(begin.duration(to: runtime.now) == .seconds(1))
            host.stepClock(by: .seconds(3_600))
            #expect(host.timeSince1970 == runtime.timeSince1970)
        }
    }

    // MARK: Seeds

    @Test("a host's outcome is told where it is waited for, and cancelling who waits cancels what runs there")
    func outcomes() async throws {
        struct Failure: Error {}
        try await HostScene.run(seed: 1) { scene in
            let host = scene.runtime.host("a")
            let answer = try await host.run { 7 }
            #expect(answer == 7)
            await #expect(throws: Failure.self) { try await host.run { throw Failure() } }
            let isCancelled = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do { try await host.run { try await host.sleep(for: .seconds(1_000)) } } catch {
                        return error is CancellationError
                    }
                    return false
                }
                group.cancelAll()
                return await group.next() ?? false
            }
            #expect(isCancelled)
            #expect(scene.runtime.now < RuntimeInstant(nanoseconds: 1_000_000_000))
        }
    }

    @Test("one seed makes one trace, whatever is killed, stopped, restarted and set meanwhile")
    func replays() async throws {
        var traces: Set<String> = []
        for seed in 0..<UInt64(rounds(30)) {
            let (first, second) = (try await Self.disturbed(seed: seed), try await Self.disturbed(seed: seed))
            #expect(first == second, "seed \(seed)")
            traces.insert(first)
        }
        #expect(traces.count == rounds(30))
    }

    /// Three servers and two clients that call them through a bad network, while hosts come and go.
    private static func disturbed(seed: UInt64) async throws -> String {
        try await HostScene.run(seed: seed) { scene in
            let runtime = scene.runtime
            var faults = NetworkFaults()
            faults.toClient.truncation = 0.02
            faults.toServer.delay = .zero ... .milliseconds(3)
            runtime.setFaults(faults)
            for name in ["a", "b", "c"] { try await scene.serve(runtime.host(name)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2 {
                    let host = runtime.host("client-\(number)")
                    group.addTask {
                        do { try await host.run { try await work(host, scene, number) } } catch {
                            runtime.record("\(host.name) \(error)")
                        }
                    }
                }
                var generator = SplitMix64(seed: seed)
                for _ in 0..<12 {
                    try await runtime.sleep(for: .microseconds(Int64(generator.next() % 20_000)))
                    let name = ["a", "b", "c", "client-1"][Int(generator.next() % 4)]
                    let host = runtime.host(name)
                    switch generator.next() % 4 {
                    case 0 where !name.hasPrefix("client"): try await scene.serve(host.restart())
                    case 1: host.pause()
                    case 2: host.stepClock(by: .seconds(Int64(generator.next() % 100)))
                    case 3 where seed % 3 == 0: host.kill()
                    default: host.resume()
                    }
                }
                for name in ["a", "b", "c", "client-0", "client-1"] { runtime.host(name).resume() }
                try await group.waitForAll()
            }
            return runtime.trace.text
        }
    }

    @concurrent
    private static func work(_ host: SimulatedHost, _ scene: HostScene, _ number: Int) async throws {
        let mesh = try scene.mesh(host) { $0.retry.maximumAttempts = 2 }
        let clients = try ["a", "b", "c"].map { try scene.client(mesh, of: $0) }
        for step in 0..<60 as Range<UInt64> {
            let client = clients[Int(step) % 3]
            do throws(MeshError) {
                let answer = try await client.call(Counting.add, Number(step * 37), timeout: .milliseconds(20))
                scene.runtime.record("client \(number) has \(answer.value)")
            } catch { scene.runtime.record("client \(number) at \(step): \(error.code)") }
        }
        for client in clients { client.close() }
    }
}

/// Counts, guarded by a mutex.
private final class Tally: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}

/// Something that a task holds on to.
private final class Held: Sendable {
    private let freed: Tally

    init(_ made: Tally, _ freed: Tally) {
        self.freed = freed
        made.add()
    }

    deinit { freed.add() }
}

/// Takes everything.
///
/// Sendable: used on the simulation's thread alone, and looked at when that is over.
private final class Receiver: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    private(set) var bytes: [UInt8] = []
    private(set) var errors: [String] = []
    private(set) var isClosed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes += unwrapInboundIn(data).readableBytesView }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { errors.append("\(error)") }
    func channelInactive(context: ChannelHandlerContext) { isClosed = true }
}
