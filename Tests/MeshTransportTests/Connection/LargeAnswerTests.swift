import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// Answers that are larger than what a server keeps of answers for one client.
@Suite(.timeLimit(.minutes(2))) struct LargeAnswerTests {
    private static func configuration() -> MeshConfiguration {
        var configuration = MeshConfiguration.patient
        configuration.limits.queuedReplyBytes = 1 << 20
        configuration.limits.connectionCredit = 1 << 20
        return configuration
    }

    /// Answers `large` with so many bytes, and everything else with itself.
    private static func serve(_ bytes: Int, on mesh: Mesh, counting runs: Tally = Tally()) {
        let large = Array(repeating: UInt8(7), count: bytes)
        mesh.serveInline(Echo.echo) { note, _ in
            runs.add()
            return note.text == "large" ? Note("", payload: large) : note
        }
    }

    @Test("they arrive, however many are asked for at a time, and so do small ones beside them")
    func arrive() async throws {
        let bytes = 6 << 20
        let loopback = try await Loopback.start(configuration: Self.configuration()) { Self.serve(bytes, on: $0) }
        let client = try loopback.client(configuration: Self.configuration())
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    let answer = try await client.call(Echo.echo, Note("large"), timeout: .seconds(60))
                    #expect(answer.payload.count == bytes)
                }
                group.addTask {
                    let answer = try await client.call(Echo.echo, Note("x"), timeout: .seconds(60))
                    #expect(answer == Note("x"))
                }
            }
            try await group.waitForAll()
        }
        client.close()
        await loopback.server.stop()
    }

    @Test("a client that asks and gives no credit is not answered without end, and is heard all the same")
    func givesNoCredit() async throws {
        let runs = Tally()
        let loopback = try await Loopback.start(configuration: Self.configuration()) {
            Self.serve(1 << 20, on: $0, counting: runs)
        }
        var bytes = RawBytes(features: true)
        bytes.declare()
        for number in 0..<400 as Range<UInt32> { bytes.request(2 * number + 1, Note("large")) }
        bytes.add(.ping, 0, ByteBuffer(integer: 7 as UInt64))
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/miser"))
        await raw.send(bytes.bytes)
        @Sendable func pongs(_ bytes: [UInt8]) -> Int {
            ((try? RawBytes.frames(in: bytes)) ?? []).count { $0.header.kind == .pong }
        }
        await raw.received { pongs($0) == 1 }
        // One that may be larger than all, and those that fill what may wait.
        #expect(runs.count <= 3)
        let before = runs.count
        var more = RawBytes()
        more.bytes = []
        more.add(.cancel, 1)
        more.add(.cancel, 3)
        more.add(.ping, 0, ByteBuffer(integer: 8 as UInt64))
        await raw.send(more.bytes)
        await raw.received { pongs($0) == 2 }
        #expect((before + 1...before + 4).contains(runs.count), "\(before) ran, then \(runs.count)")
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a call that waits for others' answers ends at its deadline, and has not run")
    func endsAtItsDeadline() async throws {
        let runs = Tally()
        let loopback = try await Loopback.start(configuration: Self.configuration()) {
            Self.serve(1 << 20, on: $0, counting: runs)
        }
        var bytes = RawBytes(features: true)
        bytes.declare()
        for number in 0..<4 as Range<UInt32> {
            bytes.request(2 * number + 1, Note("large"), within: number < 3 ? .seconds(60) : .milliseconds(50))
        }
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/miser"))
        await raw.send(bytes.bytes)
        let reply = await raw.reply(on: 7)
        #expect(reply?.status == .deadlineExceeded && reply?.hasNotRun == true, "\(String(describing: reply))")
        #expect(runs.count <= 3)
        await raw.close()
        await loopback.server.stop()
    }
}
