import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOHPACK
import TestSupport
import Testing

@testable import MeshGRPC

/// Deduplicated calls over gRPC: their numbers cross, and a call that arrives twice runs once.
@Suite(.timeLimit(.minutes(5))) struct GRPCDeduplicationTests {
    private typealias Frame = HTTP2Bytes.Frame

    private static let key = "meshwork-deduplication-bin"
    private static let session = SessionID(high: .max, low: 0x8000_0000_0000_0001)

    private struct FixedSession: SessionSource {
        func session() async throws(MeshError) -> SessionID { GRPCDeduplicationTests.session }
    }

    private static func number(
        _ sequence: UInt64, acknowledgedThrough: UInt64 = 0, of session: SessionID = session
    ) -> Deduplication {
        Deduplication(
            session: session,
            entries: [.init(scope: 0, sequence: sequence, acknowledgedThrough: acknowledgedThrough)])
    }

    // MARK: What crosses

    @Test(
        "a call arrives with its session, its number and how far its caller has the answers", arguments: Wire.allCases)
    func crosses(wire: Wire) async throws {
        let (begun, release) = (Gate(), Gate())
        let loopback = try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.count, deduplicated: .handler) { note, call in
                if note.text == "held" {
                    begun.open()
                    await release.wait()
                }
                guard let number = call.deduplication, number.session == Self.session, number.entries.count == 1,
                    let entry = number.entries.first
                else { return Note("\(String(describing: call.deduplication))") }
                return Note("\(entry.scope) \(entry.sequence) \(entry.acknowledgedThrough)")
            }
        }
        let client = try loopback.client(over: wire, sessions: FixedSession())
        #expect(try await client.call(Echo.count, Note("x")) == Note("0 1 0"))
        #expect(try await client.call(Echo.count, Note("x")) == Note("0 2 1"))
        async let held = client.call(Echo.count, Note("held"))
        await begun.wait()
        // The answers up to the one that is awaited.
        #expect(try await client.call(Echo.count, Note("x")) == Note("0 4 2"))
        release.open()
        #expect(try await held == Note("0 3 2"))
        #expect(try await client.call(Echo.count, Note("x")) == Note("0 5 4"))
        client.close()
        await loopback.server.stop()
    }

    @Test("numbers that a service counts by itself arrive as they were given", arguments: Wire.allCases)
    func severalScopes(wire: Wire) async throws {
        let number = Deduplication(
            session: Self.session,
            entries: [
                .init(scope: 0, sequence: 1, acknowledgedThrough: 0),
                .init(scope: 300, sequence: .max, acknowledgedThrough: .max - 1),
                .init(scope: .max, sequence: 128, acknowledgedThrough: 127),
            ])
        let loopback = try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.count, deduplicated: .handler) { _, call in
                #expect(call.deduplication == number)
                return Note("seen")
            }
        }
        let client = try loopback.client(over: wire)
        #expect(try await client.call(Echo.count, Note("x"), deduplication: number) == Note("seen"))
        client.close()
        await loopback.server.stop()
    }

    @Test("a call of another method has no number", arguments: Wire.allCases)
    func unnumbered(wire: Wire) async throws {
        let loopback = try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.echo) { note, call in
                #expect(call.deduplication == nil)
                return note
            }
        }
        let client = try loopback.client(over: wire)
        #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
        client.close()
        await loopback.server.stop()
    }

    @Test("the number is no part of a call's metadata", arguments: Wire.allCases)
    func notMetadata(wire: Wire) async throws {
        let loopback = try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.count) { _, call in Note(call.metadata.map(\.key).joined(separator: " ")) }
        }
        let client = try loopback.client(over: wire)
        #expect(try await client.call(Echo.count, Note("x"), metadata: ["tenant": "7"]) == Note("tenant"))
        client.close()
        await loopback.server.stop()
    }

    @Test("a call that a handler makes with its own caller's metadata has its own number")
    func passedOn() async throws {
        let runs = Tally()
        let behind = try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.count) { _, _ in Note("run \(runs.add())") }
        }
        let onwards = try behind.client(over: .grpc)
        let front = try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.count) { note, call in
                let first = try await onwards.call(Echo.count, note, metadata: call.metadata)
                let second = try await onwards.call(Echo.count, note, metadata: call.metadata)
                return Note("\(first.text), \(second.text)")
            }
        }
        let client = try front.client(over: .grpc)
        #expect(try await client.call(Echo.count, Note("x")) == Note("run 1, run 2"))
        client.close()
        await front.server.stop()
        onwards.close()
        await behind.server.stop()
    }

    @Test("a call that was refused is made again under its number")
    func sameNumber() async throws {
        let requests = Tally()
        let server = try await ScriptedHTTP2Server.start { arrival in
            var bytes = HTTP2Bytes()
            guard case .request(let request) = arrival else { return bytes }
            // REFUSED_STREAM.
            if requests.add() == 1 {
                bytes.reset(request.stream, code: 7)
            } else {
                bytes.answer(request.stream, Note(""))
            }
            return bytes
        }
        let client = try server.client()
        _ = try await client.call(Echo.count, Note("x"))
        _ = try await client.call(Echo.count, Note("y"))
        let numbers = server.requests.map { $0.headers.first(name: Self.key) }
        #expect(numbers.count == 3 && !numbers.contains(nil))
        #expect(numbers[0] == numbers[1] && numbers[1] != numbers[2])
        client.close()
        await server.stop()
    }

    // MARK: What runs

    /// Answers with how often it has run.
    private func counting(_ runs: Tally) async throws -> GRPCLoopback {
        try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.count) { note, _ in Note("\(note.text) \(runs.add())") }
        }
    }

    @Test("a call that arrives again runs once and is answered alike, over the same connection or another one")
    func repeated() async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        let (first, second) = (try loopback.client(over: .grpc), try loopback.client(over: .grpc))
        for client in [first, first, second] {
            #expect(try await client.call(Echo.count, Note("x"), deduplication: Self.number(1)) == Note("x 1"))
        }
        #expect(runs.count == 1)
        #expect(try await second.call(Echo.count, Note("x"), deduplication: Self.number(2)) == Note("x 2"))
        first.close()
        second.close()
        await loopback.server.stop()
    }

    @Test("a call that has run over one wire does not run over the other")
    func acrossWires() async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        for wire in [Wire.mesh, .grpc] {
            let client = try loopback.client(over: wire)
            #expect(try await client.call(Echo.count, Note("x"), deduplication: Self.number(1)) == Note("x 1"))
            client.close()
        }
        #expect(runs.count == 1)
        await loopback.server.stop()
    }

    @Test("the same number of another session or of another caller is another call")
    func others() async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        let (client, other) = (try loopback.client(over: .grpc), try loopback.client(over: .grpc, as: "/other"))
        let otherSession = Self.number(1, of: SessionID(high: 0, low: 1))
        #expect(try await client.call(Echo.count, Note("x"), deduplication: Self.number(1)) == Note("x 1"))
        #expect(try await client.call(Echo.count, Note("x"), deduplication: otherSession) == Note("x 2"))
        #expect(try await other.call(Echo.count, Note("x"), deduplication: Self.number(1)) == Note("x 3"))
        client.close()
        other.close()
        await loopback.server.stop()
    }

    @Test("a call whose answer its caller has acknowledged is refused, and does not run again")
    func acknowledged() async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        let client = try loopback.client(over: .grpc)
        for number in [Self.number(1), Self.number(2, acknowledgedThrough: 1)] {
            _ = try await client.call(Echo.count, Note("x"), deduplication: number)
        }
        let error = await meshError {
            _ = try await client.call(Echo.count, Note("x"), deduplication: Self.number(1))
        }
        #expect(error?.status == .failedPrecondition)
        #expect(runs.count == 2)
        client.close()
        await loopback.server.stop()
    }

    @Test("copies that arrive together run once", arguments: 1...3)
    func copies(round: Int) async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        let number = Base64.encode(Payload(Self.number(1)).head.array)
        let streams = [1, 3, 5, 7] as [UInt32]
        var bytes = HTTP2Bytes.opening
        for stream in streams {
            bytes.call(stream, Echo.count.path, [(Self.key, number), ("grpc-timeout", "120S")])
            bytes.request(stream, Note("x"))
        }
        await raw.send(bytes.bytes)
        for stream in streams { #expect(await raw.trailers(of: stream) != nil) }
        let answers = frames(in: await raw.received { _ in true }).filter { $0.type == Frame.data }
        #expect(answers.count == streams.count)
        #expect(answers.allSatisfy { $0.payload == framed(Payload(Note("x 1")).head.array) })
        #expect(runs.count == 1)
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a client's doubled requests run once each")
    func doubled() async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        let faults = SeededFaults(seed: 1, requestDuplication: 1)
        var configuration = MeshConfiguration.patient
        configuration.faults = faults
        let client = try loopback.client(over: .grpc, mesh: configuration)
        for number in 1...5 { #expect(try await client.call(Echo.count, Note("x")) == Note("x \(number)")) }
        #expect(faults.counts.requestsDoubled == 5)
        #expect(runs.count == 5)
        client.close()
        await loopback.server.stop()
    }

    @Test("a call whose answer was lost is not made again: which server it would find is not known over gRPC")
    func lost() async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        var configuration = MeshConfiguration.patient
        configuration.faults = SeededFaults(seed: 1, losesFirstReply: true)
        configuration.retry.attemptTimeout = .seconds(1)
        let client = try loopback.client(over: .grpc, mesh: configuration)
        _ = try await client.connection()
        let error = await meshError { _ = try await client.call(Echo.count, Note("x")) }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.progress == .mayHaveRun)
        await runs.reach(1)
        #expect(runs.count == 1)
        client.close()
        await loopback.server.stop()
    }

    @Test("a caller that numbers nothing is answered each time")
    func withoutNumber() async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        var bytes = HTTP2Bytes.opening
        for stream in [1, 3] as [UInt32] {
            bytes.call(stream, Echo.count.path)
            bytes.request(stream, Note("x"))
        }
        await raw.send(bytes.bytes)
        for stream in [1, 3] as [UInt32] { #expect(await raw.trailers(of: stream) != nil) }
        #expect(runs.count == 2)
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a number that cannot be read, or tells the call from no other, is refused before anything runs")
    func unreadable() async throws {
        let runs = Tally()
        let loopback = try await counting(runs)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        let values = [[0xFF], Payload(Self.number(0)).head.array, []]
        var bytes = HTTP2Bytes.opening
        for (index, value) in values.enumerated() {
            let stream = UInt32(2 * index + 1)
            bytes.call(stream, Echo.count.path, [(Self.key, Base64.encode(value)), ("grpc-timeout", "120S")])
            bytes.request(stream, Note("x"))
        }
        await raw.send(bytes.bytes)
        for index in values.indices { #expect(await raw.trailers(of: UInt32(2 * index + 1)) != nil) }
        #expect(runs.count == 0)
        await raw.close()
        await loopback.server.stop()
    }
}
