import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// What a client with a good certificate does wrong in `meshwork/1`, beside what ``ServerConnectionTests`` has: its
/// connection ends with an error that names it, and the connections of others go on.
@Suite(.timeLimit(.minutes(5))) struct HostileClientTests {
    /// An attack that ends the connection.
    enum Attack: String, CaseIterable, Sendable {
        case unknownFrame, foreignFrame, secondHello, methodFlood, undeclaredMethod
        case streamReuse, evenStream, dataOnUnopenedStream, emptyData, dataBehindTheEnd
        case creditOverflow, oddCredit, oddPing

        var bytes: [UInt8] {
            var bytes = RawBytes(features: true)
            bytes.declare()
            switch self {
            case .unknownFrame: bytes.bytes += [0, 0, 0, 1, 0xAB, 0, 0, 0, 0, 0, 0, 1, 0]
            case .foreignFrame: bytes.add(.goAway, 0)
            case .secondHello: bytes.add(.hello, 0, Payload(Hello(instance: InstanceID(high: 1, low: 1))).head)
            case .methodFlood:
                for number in 2..<2_000 as Range<UInt32> { bytes.declare(number, "test.Echo/M\(number)") }
            case .undeclaredMethod:
                bytes = RawBytes(features: true)
                bytes.request(1)
            case .streamReuse:
                bytes.request(1)
                bytes.request(1)
            case .evenStream: bytes.request(2)
            case .dataOnUnopenedStream: bytes.add(.data, 9, ByteBuffer(repeating: 0, count: 10))
            case .emptyData:
                bytes.request(1)
                bytes.add(.data, 1)
            case .dataBehindTheEnd:
                bytes.add(.data, 1, ByteBuffer(repeating: 0, count: 10))
            case .creditOverflow: for _ in 0..<300 { bytes.add(.credit, 0, ByteBuffer(integer: UInt32.max)) }
            case .oddCredit: bytes.add(.credit, 0, ByteBuffer(bytes: [1, 2, 3]))
            case .oddPing: bytes.add(.ping, 0, ByteBuffer(bytes: [1]))
            }
            return bytes.bytes
        }
    }

    @Test(
        "an attack ends its connection with an error that names it, and no other connection", arguments: Attack.allCases
    )
    func attack(_ attack: Attack) async throws {
        let loopback = try await Loopback.start()
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/hostile"))
        await raw.send(attack.bytes)
        _ = await raw.untilClosed()
        let record = await loopback.log.first("peer does not keep to the protocol")
        #expect(record.level == .warning)
        #expect(record.metadata["peer"] == "spiffe://test.example/hostile")
        #expect(loopback.log.all("peer does not keep to the protocol").count == 1)
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        client.close()
        await loopback.server.stop()
    }

    @Test("a client that lets its handshake hang is let go of in time", arguments: [0, 3])
    func hangingHandshake(bytes: Int) async throws {
        var configuration = MeshConfiguration.patient
        configuration.handshakeTimeout = .milliseconds(200)
        let loopback = try await Loopback.start(configuration: configuration)
        let plain = try await PlainClient.connect(port: loopback.port)
        // The beginning of a TLS record.
        await plain.send(Array([0x16, 0x03, 0x01].prefix(bytes)))
        await plain.untilClosed()
        let record = await loopback.log.first("connection refused")
        #expect(record.metadata["reason"] == "the handshake took too long")
        #expect(record.metadata["address"]?.contains("127.0.0.1") == true)
        await loopback.server.stop()
    }

    @Test("a client that lets a frame hang is let go of in time, and named", arguments: [5, 40])
    func hangingFrame(bytes count: Int) async throws {
        var configuration = MeshConfiguration.patient
        configuration.limits.frameTimeout = .milliseconds(300)
        let loopback = try await Loopback.start(configuration: configuration)
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/slow"))
        var bytes = RawBytes()
        bytes.declare()
        let whole = bytes.bytes.count
        bytes.request(1, Note(String(repeating: "slow", count: 100)))
        await raw.send(Array(bytes.bytes.prefix(whole + count)))
        _ = await raw.untilClosed()
        let record = await loopback.log.first("peer does not keep to the protocol")
        #expect(record.metadata["peer"] == "spiffe://test.example/slow")
        #expect(
            record.metadata["error"]?.contains("has not come whole within 0.3 seconds") == true, "\(record.metadata)")
        await loopback.server.stop()
    }

    /// A thousand messages of 250 MiB, of which a connection has room for two, each announced and not sent; behind them, on
    /// the last stream, a proper call.
    static let announcements: (bytes: [UInt8], last: StreamID) = {
        var bytes = RawBytes(features: true)
        bytes.declare()
        for number in 0..<1_000 as Range<UInt32> { bytes.announce(2 * number + 1, .seconds(600), segment: 250 << 20) }
        bytes.request(2_001)
        return (bytes.bytes, StreamID(rawValue: 2_001))
    }()

    @Test("messages that are announced and never sent hold up no other call, of the same client or another")
    func announcedMessages() async throws {
        let loopback = try await Loopback.start()
        let client = try loopback.client()
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/hostile"))
        await raw.send(Self.announcements.bytes)
        #expect(await raw.answeredStreams() == [Self.announcements.last])
        #expect(try await client.call(Echo.echo, Note("x")) == Note("x"))
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        client.close()
        await raw.close()
        await loopback.server.stop()
    }

    @Test(
        "a call whose request never comes whole is answered at its deadline or the limit, and its connection goes on",
        arguments: [true, false])
    func hangingRequest(isOverLimit: Bool) async throws {
        var configuration = MeshConfiguration.patient
        if isOverLimit { configuration.limits.requestTimeout = .milliseconds(300) }
        let loopback = try await Loopback.start(configuration: configuration)
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/slow"))
        var bytes = RawBytes()
        bytes.declare()
        bytes.announce(1, isOverLimit ? .seconds(60) : .milliseconds(200), segment: 1_000)
        await raw.send(bytes.bytes)
        let hello = RawBytes.serverGreetingBytes
        let answer = await raw.received(hello + FrameHeader.encodedSize + 4)
        var frame = ByteBuffer(bytes: answer.dropFirst(hello))
        let header = try #require(try FrameHeader(from: &frame))
        #expect(header.kind == .response && header.stream == .first)
        _ = try frame.readVarint()
        let head = try Payload(head: frame.readSlice(length: frame.readableBytes) ?? ByteBuffer()).decode(
            as: ReplyHead.self)
        #expect(head.status == .deadlineExceeded && head.hasNotRun)
        if isOverLimit {
            let record = await loopback.log.first("peer does not keep to the protocol")
            #expect(record.metadata["peer"] == "spiffe://test.example/slow")
        } else {
            // The caller's own deadline is no fault of its own.
            #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        }
        var late = RawBytes()
        late.bytes = []
        late.request(3)
        await raw.send(late.bytes)
        #expect(await raw.received(answer.count + FrameHeader.encodedSize).count > answer.count)
        await raw.close()
        await loopback.server.stop()
    }
}
