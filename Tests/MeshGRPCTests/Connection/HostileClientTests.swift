import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOHPACK
import TestSupport
import Testing

@testable import MeshGRPC

/// What a client with a good certificate does wrong in HTTP/2: its connection ends with an error that names it, what it
/// can make the server hold is bounded, and the connections of others go on.
@Suite(.timeLimit(.minutes(5))) struct HostileClientTests {
    private typealias Frame = HTTP2Bytes.Frame

    /// An attack that ends the connection.
    enum Attack: String, CaseIterable, Codable, Sendable {
        case garbage, oversizedFrame, oversizedHeaderBlock, shortPing, shortWindowUpdate, oddSettings
        case interleavedHeaderBlock, dataOnIdleStream, headersOnStreamZero, pushPromise
        case windowOverflow, noWindowIncrement
        case streamReuse, lowerStream, evenStream
        case settingsFlood, pingFlood, priorityFlood, emptyDataFlood, rapidReset, emptyHeadersFlood
        case continuationFlood, emptyContinuationFlood
        case headerBomb, tableIndexBeyondTheEnd, tableLargerThanAllowed
        case paddingLongerThanItsFrame, hugeWindowSetting, unfinishedInteger

        var bytes: [UInt8] {
            var bytes = HTTP2Bytes.opening
            switch self {
            case .garbage: return Array(repeating: 0xEE, count: 10_000)
            case .oversizedFrame: bytes.frame(Frame.data, on: 1, [0], length: (1 << 24) - 1)
            case .oversizedHeaderBlock: bytes.frame(Frame.headers, on: 1, [0], length: 16_384 * 8)
            case .shortPing: bytes.frame(Frame.ping, on: 0, [1, 2, 3])
            case .shortWindowUpdate: bytes.frame(Frame.windowUpdate, on: 0, [1])
            case .oddSettings: bytes.frame(Frame.settings, on: 0, [0, 1, 0, 0, 0])
            case .interleavedHeaderBlock:
                bytes.headers(1, HTTP2Bytes.head(Echo.echo.path), flags: 0)
                bytes.frame(Frame.data, on: 1, [0])
            case .dataOnIdleStream: bytes.frame(Frame.data, on: 5, [0])
            case .headersOnStreamZero: bytes.call(0)
            case .pushPromise: bytes.frame(Frame.pushPromise, Frame.endHeaders, on: 1, [0, 0, 0, 2, 0x83])
            case .windowOverflow: bytes.windowUpdate(0x7FFF_FFFF)
            case .noWindowIncrement: bytes.windowUpdate(0)
            case .streamReuse:
                for _ in 0..<2 {
                    bytes.call(1)
                    bytes.request(1)
                }
            case .lowerStream:
                bytes.call(5)
                bytes.call(3)
            case .evenStream: bytes.call(2)
            case .settingsFlood: for _ in 0..<5_000 { bytes.settings([(4, 65_535)]) }
            case .pingFlood: for _ in 0..<5_000 { bytes.frame(Frame.ping, on: 0, Array(repeating: 1, count: 8)) }
            case .priorityFlood: for _ in 0..<5_000 { bytes.frame(Frame.priority, on: 1, [0, 0, 0, 0, 1]) }
            case .emptyDataFlood:
                bytes.call(1)
                for _ in 0..<5_000 { bytes.frame(Frame.data, on: 1, []) }
            case .rapidReset:
                for stream in 0..<5_000 as Range<UInt32> {
                    bytes.call(2 * stream + 1)
                    bytes.reset(2 * stream + 1)
                }
            case .emptyHeadersFlood: for stream in 0..<50_000 as Range<UInt32> { bytes.headers(2 * stream + 1, []) }
            case .continuationFlood:
                bytes.headers(1, HTTP2Bytes.head(Echo.echo.path), flags: 0)
                let field = HTTP2Bytes.literal("x", String(repeating: "y", count: 8_000))
                for _ in 0..<1_000 { bytes.frame(Frame.continuation, on: 1, field) }
            case .emptyContinuationFlood:
                bytes.headers(1, HTTP2Bytes.head(Echo.echo.path), flags: 0)
                for _ in 0..<5_000 { bytes.frame(Frame.continuation, on: 1, []) }
            case .headerBomb:
                // One field of 3,900 bytes into the table, then 10,000 references of a byte each: 39 MB a call.
                let field = HTTP2Bytes.literal("x", String(repeating: "y", count: 3_900), form: 0x40)
                bytes.call(1)
                bytes.headers(3, HTTP2Bytes.head(Echo.echo.path) + field + Array(repeating: 0xBE, count: 10_000))
            case .tableIndexBeyondTheEnd: bytes.headers(1, HTTP2Bytes.head(Echo.echo.path) + [0xFF, 0x7F])
            // A table of 65,535 bytes, where 4,096 were allowed (RFC 7541, 6.3).
            case .tableLargerThanAllowed: bytes.headers(1, [0x3F, 0xE0, 0xFF, 0x03] + HTTP2Bytes.head(Echo.echo.path))
            case .paddingLongerThanItsFrame:
                bytes.call(1)
                bytes.frame(Frame.data, Frame.padded, on: 1, [200, 0, 0])
            case .hugeWindowSetting: bytes.settings([(4, 0xFFFF_FFFF)])
            case .unfinishedInteger:
                bytes.headers(1, [0x83, 0x87, 0x7F] + Array(repeating: 0xFF, count: 40) + [0x01])
            }
            return bytes.bytes
        }
    }

    /// The status that ends a stream, when it has come.
    private func status(of stream: UInt32, _ raw: RawClient) async throws -> CallStatus? {
        _ = await raw.trailers(of: stream)
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
        var status: CallStatus?
        // Each block may refer to those before it.
        for frame in frames(in: await raw.received { _ in true }) where frame.type == Frame.headers {
            var block = ByteBuffer(bytes: frame.payload)
            let headers = try decoder.decodeHeaders(from: &block)
            if frame.stream == stream { status = GRPCTrailers(headers, limits: WireLimits())?.status.code ?? status }
        }
        return status
    }

    private func port(_ loopback: GRPCLoopback) -> Int {
        guard case .tcp(_, let port) = loopback.endpoint else { preconditionFailure("TCP was asked for") }
        return port
    }

    @Test(
        "an attack ends its connection with an error that names it, and no other connection", .serialized,
        arguments: Attack.allCases)
    func attack(_ attack: Attack) async throws {
        let loopback = try await GRPCLoopback.start()
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/hostile"))
        await raw.send(attack.bytes)
        await raw.untilClosed()
        // Written before the connection is closed.
        let records = loopback.log.all("peer does not keep to the protocol")
        #expect(records.count == 1)
        #expect(records.first?.level == .warning)
        #expect(records.first?.metadata["peer"] == "spiffe://test.example/hostile")
        #expect(records.first?.metadata["error"]?.isEmpty == false)
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        client.close()
        await loopback.server.stop()
    }

    @Test("a hand-written call is answered: what the attacks are made of is right but for what they are about")
    func proper() async throws {
        let loopback = try await GRPCLoopback.start()
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/hand"))
        var bytes = HTTP2Bytes.opening
        // Frames of a kind that nobody knows are left out (RFC 9113, 4.1), however many.
        for number in 0..<20_000 { bytes.frame(0xAB, UInt8(number % 256), on: UInt32(number), [1, 2, 3]) }
        bytes.call(1)
        bytes.request(1)
        await raw.send(bytes.bytes)
        #expect(await raw.trailers(of: 1) != nil)
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        await raw.close()
        await loopback.server.stop()
    }

    /// Where a client stops to send.
    enum Silence: String, CaseIterable, Sendable {
        case beforeThePreface, insideThePreface, beforeTheSettings, insideAHeaderBlock, insideAFrame, insideAFrameHeader

        var bytes: [UInt8] {
            var bytes = HTTP2Bytes.opening
            switch self {
            case .beforeThePreface: return []
            case .insideThePreface: return Array(HTTP2Bytes.preface.dropLast())
            case .beforeTheSettings: return HTTP2Bytes.preface
            case .insideAHeaderBlock: bytes.headers(1, HTTP2Bytes.head(Echo.echo.path), flags: 0)
            case .insideAFrame:
                bytes.call(1)
                bytes.frame(Frame.data, on: 1, [0, 0], length: 1_000)
            case .insideAFrameHeader:
                bytes.call(1)
                bytes.bytes += [0, 0, 1]
            }
            return bytes.bytes
        }
    }

    @Test("a client that lets something hang is let go of in time, and named", arguments: Silence.allCases)
    func slowloris(_ silence: Silence) async throws {
        var configuration = MeshConfiguration.patient
        configuration.limits.frameTimeout = .milliseconds(300)
        let loopback = try await GRPCLoopback.start(mesh: configuration)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/slow"))
        await raw.send(silence.bytes)
        #expect(try await client.call(Echo.echo, Note("meanwhile")) == Note("meanwhile"))
        await raw.untilClosed()
        let record = await loopback.log.first("peer does not keep to the protocol")
        #expect(record.metadata["peer"] == "spiffe://test.example/slow")
        #expect(
            record.metadata["error"]?.contains("has not come whole within 0.3 seconds") == true, "\(record.metadata)")
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        client.close()
        await loopback.server.stop()
    }

    @Test("clients that let something hang hold up no other, new or old", arguments: Silence.allCases)
    func meanwhile(_ silence: Silence) async throws {
        // Nobody is let go of: what is answered is answered meanwhile.
        let loopback = try await GRPCLoopback.start()
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        var raw: [RawClient] = []
        for _ in 0..<20 {
            raw.append(try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/slow")))
            await raw.last?.send(silence.bytes)
        }
        // The server's handshake with each is over.
        for raw in raw { _ = await raw.negotiated() }
        for _ in 0..<10 { #expect(try await client.call(Echo.echo, Note("old")) == Note("old")) }
        let other = try loopback.client()
        #expect(try await other.call(Echo.echo, Note("new")) == Note("new"))
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        for client in [client, other] { client.close() }
        for raw in raw { await raw.close() }
        await loopback.server.stop()
    }

    @Test("a call whose request never comes whole is answered at its deadline or the limit, and its connection goes on")
    func slowBody() async throws {
        var configuration = MeshConfiguration.patient
        configuration.limits.requestTimeout = .milliseconds(500)
        let loopback = try await GRPCLoopback.start(mesh: configuration)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/slow"))
        var bytes = HTTP2Bytes.opening
        bytes.call(1, Echo.echo.path, [("grpc-timeout", "100m")])
        bytes.call(3)
        // Whole frames of a message that never ends.
        bytes.frame(Frame.data, on: 3, [0, 0, 0, 1, 0, 7, 7])
        await raw.send(bytes.bytes)
        #expect(try await client.call(Echo.echo, Note("meanwhile")) == Note("meanwhile"))
        for stream in [1, 3] as [UInt32] {
            #expect(try await status(of: stream, raw) == .deadlineExceeded)
        }
        // The caller's own deadline is no fault of its own.
        let record = await loopback.log.first("peer does not keep to the protocol")
        #expect(record.metadata["peer"] == "spiffe://test.example/slow")
        #expect(record.metadata["error"]?.contains(Echo.echo.path) == true)
        #expect(loopback.log.all("peer does not keep to the protocol").count == 1)
        var late = HTTP2Bytes()
        late.call(5)
        late.request(5)
        await raw.send(late.bytes)
        #expect(await raw.trailers(of: 5) != nil)
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        await raw.close()
        client.close()
        await loopback.server.stop()
    }

    @Test(
        "a call whose header fields HTTP/2 does not allow is reset, and its connection goes on",
        arguments: [
            ("Upper", "case"), ("connection", "close"), ("te", "gzip"), ("x", "line\r\nbreak"),
            (":path", "/late"), (":unknown", "x"),
        ])
    func malformedHead(_ field: (name: String, value: String)) async throws {
        let loopback = try await GRPCLoopback.start()
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/malformed"))
        var bytes = HTTP2Bytes.opening
        bytes.call(1, Echo.echo.path, [field])
        bytes.call(3)
        bytes.request(3)
        await raw.send(bytes.bytes)
        #expect(try await status(of: 3, raw) == .ok)
        let answers = frames(in: await raw.received { _ in true }).filter { $0.stream == 1 }
        #expect(answers.map(\.type) == [Frame.reset])
        // PROTOCOL_ERROR (RFC 9113, 8.1.1).
        #expect(answers.first?.payload == HTTP2Bytes.word(1))
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a client that asks and gives no window is not answered without end, and others are answered meanwhile")
    func neverReads() async throws {
        let runs = Tally()
        var configuration = MeshConfiguration.patient
        configuration.limits.queuedReplyBytes = 1 << 20
        let loopback = try await GRPCLoopback.start(mesh: configuration) { mesh in
            mesh.serve(Echo.echo) { note, _ in
                if note.text == "x" { return note }
                runs.add()
                return Note("", payload: Array(repeating: 7, count: 200_000))
            }
        }
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/deaf"))
        var bytes = HTTP2Bytes.opening
        bytes.settings([(4, 0)])
        let calls = 600
        for number in 0..<calls {
            bytes.call(UInt32(2 * number + 1))
            bytes.request(UInt32(2 * number + 1), Note("large"))
            // In several reads, so that replies are there when the next calls come.
            if number % 5 == 0 {
                await raw.send(bytes.bytes)
                bytes = HTTP2Bytes()
                await runs.reach(min(number / 2, 3))
            }
        }
        await raw.send(bytes.bytes)
        // What is refused says so: the client may ask elsewhere.
        await raw.received { frames(in: $0).contains { $0.type == Frame.reset && $0.payload == HTTP2Bytes.word(7) } }
        let client = try loopback.client()
        for _ in 0..<50 { #expect(try await client.call(Echo.echo, Note("x")) == Note("x")) }
        #expect(runs.count < calls / 2)
        await raw.close()
        client.close()
        await loopback.server.stop()
    }

    @Test("an answer that is larger than all that may wait holds up no other call")
    func largeAnswer() async throws {
        var configuration = MeshConfiguration.patient
        configuration.limits.queuedReplyBytes = 1 << 20
        let loopback = try await GRPCLoopback.start(mesh: configuration) { mesh in
            mesh.serve(Echo.echo) { note, _ in
                note.text == "large" ? Note("", payload: Array(repeating: 7, count: 3 << 20)) : note
            }
        }
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/slow"))
        var bytes = HTTP2Bytes.opening
        bytes.windowUpdate(1 << 20)
        bytes.call(1)
        bytes.request(1, Note("large"))
        await raw.send(bytes.bytes)
        // All that the stream's window takes; the rest waits.
        await raw.received { frames(in: $0).count { $0.type == Frame.data && $0.stream == 1 } >= 4 }
        bytes = HTTP2Bytes()
        bytes.call(3)
        bytes.request(3)
        await raw.send(bytes.bytes)
        #expect(try await status(of: 3, raw) == .ok)
        await raw.close()
        await loopback.server.stop()
    }

    /// A thousand messages of 256 MiB, of which a connection has room for two, each announced and not sent; behind them, on
    /// the last stream, a proper call. All of it before the server's settings are acknowledged, which no client need wait
    /// for.
    static let announcements: (bytes: [UInt8], last: UInt32) = {
        var bytes = HTTP2Bytes.opening
        for number in 0..<1_000 as Range<UInt32> {
            bytes.call(2 * number + 1)
            bytes.frame(Frame.data, on: 2 * number + 1, [0, 0x10, 0, 0, 0])
        }
        bytes.call(2_001)
        bytes.request(2_001)
        return (bytes.bytes, 2_001)
    }()

    @Test("messages that are announced and never sent hold up no other call, of the same client or another")
    func announcedMessages() async throws {
        let loopback = try await GRPCLoopback.start()
        let client = try loopback.client()
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/hostile"))
        await raw.send(Self.announcements.bytes)
        #expect(try await status(of: Self.announcements.last, raw) == .ok)
        #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        client.close()
        await raw.close()
        await loopback.server.stop()
    }

    /// Pings behind the opening, of which no answer is read.
    static let pings: [UInt8] = {
        var bytes = HTTP2Bytes()
        for _ in 0..<2_000 { bytes.frame(Frame.ping, on: 0, Array(repeating: 1, count: 8)) }
        return bytes.bytes
    }()

    @Test("a client that pings and does not read the answers is let go of, and no other")
    func deafPings() async throws {
        var configuration = GRPCConfiguration()
        configuration.pingEnforcement.shortestInterval = .zero
        let loopback = try await GRPCLoopback.start(configuration)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/deaf"))
        await raw.send(HTTP2Bytes.opening.bytes)
        try await raw.setReading(false)
        await raw.send(Self.pings)
        #expect(try await client.call(Echo.echo, Note("meanwhile")) == Note("meanwhile"))
        #expect(
            await loopback.log.first("peer does not keep to the protocol").metadata["peer"]?.hasSuffix("/deaf") == true)
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        await raw.close()
        client.close()
        await loopback.server.stop()
    }

    @Test("cancelled calls count until their handlers have ended")
    func rapidReset() async throws {
        let (running, release) = (Tally(), Gate())
        var configuration = MeshConfiguration.patient
        configuration.limits.concurrentCalls = 4
        let loopback = try await GRPCLoopback.start(mesh: configuration) { mesh in
            mesh.serve(Echo.echo) { note, _ in
                running.add()
                // A handler that does not care for cancellation.
                await release.waitEvenIfCancelled()
                return note
            }
        }
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/hostile"))
        var bytes = HTTP2Bytes.opening
        for stream in 0..<500 as Range<UInt32> {
            bytes.call(2 * stream + 1)
            bytes.request(2 * stream + 1)
            bytes.reset(2 * stream + 1)
        }
        bytes.call(1_001)
        bytes.request(1_001)
        await raw.send(bytes.bytes)
        // The last is answered: it was refused, as all but four before it.
        #expect(await raw.trailers(of: 1_001) != nil)
        await running.reach(4)
        #expect(running.count == 4)
        release.open()
        await raw.close()
        await loopback.server.stop()
    }

    /// Allows a table of 2 GiB, and makes a call for each message, whose answer has it in its trailers.
    static func largeTable(_ messages: [String]) -> [UInt8] {
        var bytes = HTTP2Bytes()
        bytes.bytes = HTTP2Bytes.preface
        bytes.settings([(1, 0x7FFF_FFFF)])
        for (number, message) in messages.enumerated() {
            bytes.call(UInt32(2 * number + 1), Echo.fail.path)
            bytes.request(UInt32(2 * number + 1), Note(message))
        }
        return bytes.bytes
    }

    @Test("a table as large as the client likes is filled with nothing that differs from call to call")
    func largeTable() async throws {
        let loopback = try await GRPCLoopback.start()
        let raw = try await RawClient.http2(port: port(loopback), as: try loopback.authority.svid("/hostile"))
        let message = String(repeating: "message ", count: 20)
        await raw.send(Self.largeTable([message, message]))
        let (first, second) = (await raw.trailers(of: 1), await raw.trailers(of: 3))
        // The message is there again, and not a reference to it.
        #expect(try #require(second).count > 100)
        #expect(try #require(first).count > 100)
        await raw.close()
        await loopback.server.stop()
    }
}
