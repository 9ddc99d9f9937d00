import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// What ``HostileClientTests`` and ``HostileMeshClientTests`` do to a server, and the memory that it takes. Each in a
/// process of its own: what one leaves behind would hide what the next one takes.
@Suite(
    .timeLimit(.minutes(5)), .serialized,
    .enabled(if: PeakMemory.isMeasurable, "the kernel does not tell, or a sanitizer needs memory of its own"))
struct HostileClientMemoryTests {
    /// Fails if what `body` does with a client that sends so many bytes makes the process grow by more than it may.
    /// A proper client has been answered before, so that what a first call sets aside is no attack's.
    private static func expectSmallGrowth(
        forBytes bytes: Int, of loopback: Loopback, _ body: (RawClient) async throws -> Void
    ) async throws {
        let client = try loopback.client()
        let hostile = try loopback.authority.svid("/hostile")
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let growth = try await PeakMemory.growth {
            let raw = try await RawClient.connect(port: loopback.port, identity: hostile)
            try await body(raw)
            await raw.close()
        }
        #expect(growth < PeakMemory.allowance(forBytes: bytes), "\(growth) bytes for \(bytes)")
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        client.close()
        await loopback.server.stop()
    }

    @Test(
        "no attack makes a server hold more than a few times what was sent",
        arguments: HostileClientTests.Attack.allCases
    )
    func attack(_ attack: HostileClientTests.Attack) async {
        await #expect(processExitsWith: .success) { [attack] in
            let bytes = attack.bytes
            try await Self.expectSmallGrowth(forBytes: bytes.count, of: try await .start()) { raw in
                await raw.send(bytes)
                await raw.untilClosed()
            }
        }
    }

    @Test("nor does another that ends its connection", arguments: HostileMeshClientTests.Attack.allCases)
    func attackFrameByFrame(_ attack: HostileMeshClientTests.Attack) async {
        await #expect(processExitsWith: .success) { [attack] in
            let bytes = attack.bytes
            let loopback = try await HostileMeshClientTests.start()
            try await Self.expectSmallGrowth(forBytes: bytes.count, of: loopback) { raw in
                if attack == .pingFlood { try await raw.turnDeaf() }
                await raw.send(bytes)
                if attack.closes { await raw.close() }
                _ = await loopback.log.first("peer does not keep to the protocol")
            }
        }
    }

    @Test("nor does a call over a limit", arguments: HostileMeshClientTests.Excess.allCases)
    func excess(_ excess: HostileMeshClientTests.Excess) async {
        await #expect(processExitsWith: .success) { [excess] in
            let bytes = excess.bytes
            try await Self.expectSmallGrowth(forBytes: bytes.count, of: try await HostileMeshClientTests.start()) {
                raw in
                await raw.send(bytes)
                #expect(await raw.reply(on: 1)?.status == .resourceExhausted)
            }
        }
    }

    @Test("nor do messages that are announced and never sent")
    func announcedMessages() async {
        await #expect(processExitsWith: .success) {
            let (bytes, last) = HostileClientTests.announcements
            try await Self.expectSmallGrowth(forBytes: bytes.count, of: try await .start()) { raw in
                await raw.send(bytes)
                #expect(await raw.answeredStreams() == [last])
            }
        }
    }

    @Test("nor does a flood of cancelled calls")
    func resetFlood() async {
        await #expect(processExitsWith: .success) {
            let (bytes, last) = HostileMeshClientTests.resets
            try await Self.expectSmallGrowth(forBytes: bytes.count, of: try await .start()) { raw in
                await raw.send(bytes)
                #expect(await raw.reply(on: last) != nil)
            }
        }
    }

    @Test("nor do calls whose answers nobody reads")
    func neverReads() async {
        await #expect(processExitsWith: .success) {
            let runs = Tally()
            var configuration = MeshConfiguration.patient
            configuration.limits.queuedReplyBytes = 1 << 20
            // Those that run at a time have their answers before they are queued.
            configuration.limits.concurrentCalls = 32
            let loopback = try await Loopback.start(configuration: configuration) { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    guard note.text.utf8.count > 1_000 else { return note }
                    runs.add()
                    return Note("", payload: Array(repeating: 7, count: 200_000))
                }
            }
            // 120 MB of answers, if all were made; a read has but a few of the calls.
            let text = String(repeating: "large", count: 1_000)
            let pieces = (0..<600 as Range<UInt32>).map { number in
                var bytes = RawBytes()
                if number > 0 { bytes.bytes = [] } else { bytes.declare() }
                bytes.request(2 * number + 1, Note(text))
                return bytes.bytes
            }
            try await Self.expectSmallGrowth(forBytes: pieces.reduce(0) { $0 + $1.count }, of: loopback) { raw in
                try await raw.turnDeaf()
                async let sent: Void = { for piece in pieces { await raw.send(piece) } }()
                await runs.reach(5)
                // Others are served meanwhile.
                let other = try loopback.client("/other")
                for _ in 0..<300 { #expect(try await other.call(Echo.echo, Note("x")) == Note("x")) }
                other.close()
                #expect(runs.count < pieces.count / 2)
                // Who waits to be read from waits no more.
                await raw.close()
                await sent
            }
        }
    }
}

/// So that an attack can be told to another process.
extension HostileClientTests.Attack: Codable {}
