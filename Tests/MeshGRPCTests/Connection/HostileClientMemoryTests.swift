import Identity
import MeshTransport
import MeshworkTesting
import TestSupport
import Testing

@testable import MeshGRPC

/// What ``HostileClientTests`` does to a server, and the memory that it takes. Each in a process of its own: what one
/// leaves behind would hide what the next one takes.
@Suite(
    .timeLimit(.minutes(5)), .serialized,
    .enabled(if: PeakMemory.isMeasurable, "the kernel does not tell, or a sanitizer needs memory of its own"))
struct HostileClientMemoryTests {
    /// A server with a proper client that has been answered, so that what a first call sets aside is no attack's.
    private struct Target {
        let loopback: GRPCLoopback
        let client: MeshClient
        let hostile: WorkloadIdentity

        init(
            _ configuration: GRPCConfiguration = GRPCConfiguration(), mesh: MeshConfiguration = .patient,
            _ register: (Mesh) -> Void = { $0.serveEcho() }
        ) async throws {
            loopback = try await GRPCLoopback.start(configuration, mesh: mesh, register)
            client = try loopback.client()
            hostile = try loopback.authority.svid("/hostile")
            #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        }

        /// Connects, runs `body`, and says how much more was sent, in memory, than the attack of `bytes` may take.
        func expectSmallGrowth(forBytes bytes: Int, _ body: (RawClient) async throws -> Void) async throws {
            guard case .tcp(_, let port) = loopback.endpoint else { preconditionFailure("TCP was asked for") }
            let growth = try await PeakMemory.growth {
                let raw = try await RawClient.http2(port: port, as: hostile)
                try await body(raw)
                await raw.close()
            }
            #expect(growth < PeakMemory.allowance(forBytes: bytes), "\(growth) bytes for \(bytes)")
            #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
            client.close()
            await loopback.server.stop()
        }
    }

    @Test(
        "no attack makes a server hold more than a few times what was sent",
        arguments: HostileClientTests.Attack.allCases
    )
    func attack(_ attack: HostileClientTests.Attack) async {
        await #expect(processExitsWith: .success) { [attack] in
            let bytes = attack.bytes
            try await Target().expectSmallGrowth(forBytes: bytes.count) { raw in
                await raw.send(bytes)
                await raw.untilClosed()
            }
        }
    }

    @Test("nor do messages that are announced and never sent")
    func announcedMessages() async {
        await #expect(processExitsWith: .success) {
            let (bytes, last) = HostileClientTests.announcements
            try await Target().expectSmallGrowth(forBytes: bytes.count) { raw in
                await raw.send(bytes)
                #expect(await raw.trailers(of: last) != nil)
            }
        }
    }

    @Test("nor does a header table of 2 GiB")
    func largeTable() async {
        await #expect(processExitsWith: .success) {
            let calls = 500
            let bytes = HostileClientTests.largeTable((0..<calls).map { "message \($0)" })
            try await Target().expectSmallGrowth(forBytes: bytes.count) { raw in
                await raw.send(bytes)
                #expect(await raw.trailers(of: UInt32(2 * calls - 1)) != nil)
            }
        }
    }

    @Test("nor do pings whose answers nobody reads")
    func deafPings() async {
        await #expect(processExitsWith: .success) {
            var configuration = GRPCConfiguration()
            configuration.pingEnforcement.shortestInterval = .zero
            let target = try await Target(configuration)
            let bytes = HTTP2Bytes.opening.bytes + HostileClientTests.pings
            try await target.expectSmallGrowth(forBytes: bytes.count) { raw in
                // The handshake is to be read.
                _ = await raw.negotiated()
                try await raw.setReading(false)
                await raw.send(bytes)
                _ = await target.loopback.log.first("peer does not keep to the protocol")
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
            let target = try await Target(mesh: configuration) { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    guard note.text == "large" else { return note }
                    runs.add()
                    return Note("", payload: Array(repeating: 7, count: 200_000))
                }
            }
            // 120 MB of answers, if all were made.
            let calls = 600
            var bytes = HTTP2Bytes.opening
            bytes.settings([(4, 0)])
            var pieces: [[UInt8]] = []
            for number in 0..<calls {
                bytes.call(UInt32(2 * number + 1))
                bytes.request(UInt32(2 * number + 1), Note("large"))
                // In several reads, so that replies are there when the next calls come.
                guard number % 5 == 4 else { continue }
                pieces.append(bytes.bytes)
                bytes = HTTP2Bytes()
            }
            let sent = pieces.reduce(0) { $0 + $1.count }
            try await target.expectSmallGrowth(forBytes: sent) { raw in
                for (number, piece) in pieces.enumerated() {
                    await raw.send(piece)
                    await runs.reach(min(number, 5))
                }
                await raw.received { bytes in
                    frames(in: bytes).contains {
                        $0.type == HTTP2Bytes.Frame.reset && $0.stream == 2 * UInt32(calls) - 1
                    }
                }
            }
        }
    }
}
