import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// What a client with a good certificate does wrong in `meshwork/1`, frame by frame: its connection ends with an error
/// that names it, or its call where the protocol's page says so, and the calls of others go on. ``HostileClientTests``
/// and ``ServerConnectionTests`` have more of it.
@Suite(.timeLimit(.minutes(5))) struct HostileMeshClientTests {
    /// An attack that ends the connection.
    enum Attack: String, CaseIterable, Codable, Sendable {
        case garbage, garbageBehindTheHello, groupInAHead, endlessVarint
        case oversizedFrame, oversizedControlFrame
        case truncatedHello, truncatedHeader, truncatedFrame, truncatedData, headLongerThanItsFrame
        case unknownKind, unknownFlags, reservedBits, unsharedFeature, unsharedChecksum, serversFrame
        case noCommonVersion, callBeforeTheHello
        case messageInsideAnother, endInsideAMessage, messageOfAUnaryCall, messageBehindTheEnd, dataBehindTheMessage
        case moreThanTheCredit, messageBeyondTheCredit, moreBesideTheHead, creditOfNothing, creditOnAnUnopenedStream
        case reusedStream, lowerStream, cancelOnAnUnopenedStream
        case pingFlood, emptyDataFlood, emptyMessageFlood
        case declarationsWithoutEnd, declarationOutOfOrder

        /// Whether the client goes away behind the bytes.
        var closes: Bool {
            switch self {
            case .truncatedHello, .truncatedHeader, .truncatedFrame, .truncatedData: true
            default: false
            }
        }

        /// What the server finds.
        var code: WireError.Code {
            switch self {
            case .garbage, .garbageBehindTheHello, .groupInAHead, .endlessVarint, .unknownKind, .unknownFlags,
                .reservedBits, .unsharedChecksum, .dataBehindTheMessage, .creditOfNothing, .emptyDataFlood,
                .declarationOutOfOrder:
                .malformed
            case .oversizedFrame, .oversizedControlFrame, .pingFlood, .declarationsWithoutEnd: .tooLarge
            case .truncatedHello, .truncatedHeader, .truncatedFrame, .truncatedData, .headLongerThanItsFrame: .truncated
            case .unsharedFeature, .serversFrame, .callBeforeTheHello, .messageInsideAnother, .endInsideAMessage,
                .messageOfAUnaryCall, .messageBehindTheEnd, .creditOnAnUnopenedStream, .reusedStream, .lowerStream,
                .cancelOnAnUnopenedStream:
                .unexpectedFrame
            case .noCommonVersion: .unsupportedVersion
            case .moreThanTheCredit, .messageBeyondTheCredit, .moreBesideTheHead, .emptyMessageFlood: .flowControl
            }
        }

        var bytes: [UInt8] {
            var bytes = RawBytes.declared
            switch self {
            case .garbage: return Array(repeating: 0xEE, count: 10_000)
            case .garbageBehindTheHello: bytes.bytes += Array(repeating: 0xEE, count: 100_000)
            // Field 1 as a group.
            case .groupInAHead: bytes.add(.request, 1, ByteBuffer(bytes: [1, 0x0B]))
            case .endlessVarint: bytes.add(.request, 1, ByteBuffer(repeating: 0xFF, count: 100))
            case .oversizedFrame: bytes.header(.request, 1, claiming: 100 << 20)
            case .oversizedControlFrame: bytes.header(.cancel, 1, claiming: 10_000)
            case .truncatedHello: return Array(RawBytes(features: true).bytes.dropLast(10))
            case .truncatedHeader: bytes.bytes += [0, 0, 1]
            case .truncatedFrame:
                bytes.request(1)
                bytes.bytes.removeLast(10)
            case .truncatedData:
                bytes.announce(1, .seconds(60), segment: 1_000)
                bytes.add(.data, 1, ByteBuffer(repeating: 7, count: 1_000))
                bytes.bytes.removeLast(500)
            case .headLongerThanItsFrame: bytes.add(.request, 1, ByteBuffer(bytes: [100, 0x08, 0x01]))
            case .unknownKind: bytes.bytes += [0, 0, 0, 1, 0xAB, 0, 0, 0, 0, 0, 0, 1, 0]
            case .unknownFlags: bytes.bytes += [0, 0, 0, 0, FrameKind.cancel.rawValue, 2, 0, 0, 0, 0, 0, 1]
            case .reservedBits: bytes.bytes += [0, 0, 0, 0, FrameKind.cancel.rawValue, 0, 0, 1, 0, 0, 0, 1]
            case .unsharedFeature:
                bytes = RawBytes()
                bytes.ping()
            case .unsharedChecksum: bytes.header(.ping, 0, claiming: 12, hasChecksum: true)
            case .serversFrame: bytes.add(.response, 1, ByteBuffer(bytes: [0]))
            case .noCommonVersion:
                var hello = Hello(instance: InstanceID(high: 1, low: 1))
                (hello.lowestVersion, hello.highestVersion) = (1_000, 1_001)
                bytes.bytes = Preface.bytes
                bytes.add(.hello, 0, Payload(hello).head)
            case .callBeforeTheHello:
                bytes.bytes = Preface.bytes
                bytes.request(1)
            case .messageInsideAnother:
                bytes.chat(1)
                bytes.message(1, announcing: 10)
                bytes.message(1)
            case .endInsideAMessage:
                bytes.chat(1)
                bytes.message(1, announcing: 10)
                bytes.add(.end, 1)
            case .messageOfAUnaryCall:
                bytes.announce(1, .seconds(60), segment: 10)
                bytes.message(1)
            case .messageBehindTheEnd:
                bytes.chat(1)
                bytes.add(.end, 1)
                bytes.message(1)
            case .dataBehindTheMessage:
                bytes.chat(1)
                bytes.message(1)
                bytes.add(.data, 1, ByteBuffer(repeating: 7, count: 10))
            case .moreThanTheCredit:
                // The connection has room for two, and the third waits with what every stream may send.
                for stream in [1, 3, 5] as [UInt32] { bytes.announce(stream, .seconds(60), segment: 250 << 20) }
                for _ in 0..<2 { bytes.add(.data, 5, ByteBuffer(repeating: 7, count: 200_000)) }
            case .messageBeyondTheCredit:
                bytes.chat(1)
                bytes.message(1, ignored: 300_000)
            case .moreBesideTheHead: bytes.request(1, Note(String(repeating: "x", count: 16_400)))
            case .creditOfNothing: bytes.credit(0, 0)
            case .creditOnAnUnopenedStream: bytes.credit(1, 1)
            case .reusedStream:
                bytes.chat(1)
                bytes.request(1)
            case .lowerStream:
                bytes.request(5)
                bytes.request(3)
            case .cancelOnAnUnopenedStream: bytes.add(.cancel, 7)
            case .pingFlood:
                // Answers that no socket's buffers hold.
                var ping = RawBytes()
                ping.bytes = []
                ping.ping()
                bytes.bytes += ping.bytes.times(500_000)
            case .emptyDataFlood:
                bytes.announce(1, .seconds(60), segment: 10)
                for _ in 0..<5_000 { bytes.add(.data, 1) }
            case .emptyMessageFlood:
                bytes.chat(1)
                for _ in 0..<5_000 { bytes.message(1) }
            case .declarationsWithoutEnd:
                let name = String(repeating: "m", count: 8_000)
                for number in 3..<1_100 as Range<UInt32> { bytes.declare(number, "test.Echo/\(name)") }
            case .declarationOutOfOrder: bytes.declare(7)
            }
            return bytes.bytes
        }
    }

    /// A server whose calls of several requests take none.
    static func start(_ configuration: MeshConfiguration = .patient) async throws -> Loopback {
        try await Loopback.start(configuration: configuration) { mesh in
            mesh.serve(Echo.echo) { note, _ in note }
            mesh.serve(Echo.chat) { _, _, _ in await Gate().wait() }
        }
    }

    private func hostile(_ loopback: Loopback) async throws -> RawClient {
        try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/hostile"))
    }

    private func complaints(_ loopback: Loopback) -> [LogCapture.Record] {
        loopback.log.all("peer does not keep to the protocol")
    }

    @Test(
        "an attack ends its connection with an error that names it, and no other connection", .serialized,
        arguments: Attack.allCases)
    func attack(_ attack: Attack) async throws {
        let loopback = try await Self.start()
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await hostile(loopback)
        if attack == .pingFlood { try await raw.turnDeaf() }
        await raw.send(attack.bytes)
        if attack.closes { await raw.close() }
        let record = await loopback.log.first("peer does not keep to the protocol")
        if attack == .pingFlood { await raw.close() }
        await raw.untilClosed()
        #expect(record.level == .warning)
        #expect(record.metadata["peer"] == "spiffe://test.example/hostile")
        #expect(record.metadata["error"]?.hasPrefix("\(attack.code)") == true, "\(record.metadata)")
        #expect(complaints(loopback).count == 1)
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        // The server's side of it is gone as well.
        #expect(loopback.server.connections.count <= 2)
        client.close()
        await loopback.server.stop()
    }

    /// What a server passes over.
    enum PassedOver: String, CaseIterable, Sendable {
        case pongsThatNobodyAskedFor, framesOfACallThatIsOver, unknownFields, needlessPayloads, needlessStreams

        /// Ends with a proper call on stream 9.
        var bytes: [UInt8] {
            var bytes = RawBytes.declared
            switch self {
            case .pongsThatNobodyAskedFor:
                for _ in 0..<20_000 { bytes.add(.pong, 0, ByteBuffer(integer: UInt64(1))) }
            case .framesOfACallThatIsOver:
                bytes.chat(1)
                bytes.add(.cancel, 1)
                for _ in 0..<5_000 {
                    bytes.message(1, announcing: 1_000)
                    bytes.add(.data, 1, ByteBuffer(repeating: 7, count: 100))
                    bytes.credit(1, 1)
                    bytes.add(.end, 1)
                    bytes.add(.cancel, 1)
                }
            case .unknownFields:
                // Field 15 of three bytes.
                bytes.bytes = Preface.bytes
                let unknown: [UInt8] = [0x7A, 3, 1, 2, 3]
                let hello = Payload(Hello(instance: InstanceID(high: 1, low: 1), limits: WireLimits())).head
                bytes.add(.hello, 0, ByteBuffer(bytes: hello.readableBytesView + unknown))
                bytes.declare()
                bytes.call(1, extra: unknown)
            case .needlessPayloads:
                bytes.chat(1)
                bytes.add(.end, 1, ByteBuffer(repeating: 7, count: 8_000))
                bytes.add(.cancel, 1, ByteBuffer(repeating: 7, count: 8_000))
            case .needlessStreams: bytes.add(.ping, 77, ByteBuffer(integer: UInt64(1)))
            }
            bytes.request(9)
            return bytes.bytes
        }
    }

    @Test(
        "what the page says is ignored is, however much of it, and the calls behind it are answered",
        arguments: PassedOver.allCases)
    func passedOver(_ conduct: PassedOver) async throws {
        let loopback = try await Self.start()
        let raw = try await hostile(loopback)
        await raw.send(conduct.bytes)
        #expect(await raw.reply(on: 9)?.status == .ok)
        #expect(complaints(loopback).isEmpty)
        await raw.close()
        await loopback.server.stop()
    }

    /// A call that is over a limit.
    enum Excess: String, CaseIterable, Codable, Sendable {
        case metadata, metadataEntries, deduplicationEntries, segments, head, message, laterMessage

        /// On stream 1, with the fields of the head written out where an encoder would take its time.
        var bytes: [UInt8] {
            var bytes = RawBytes.declared
            switch self {
            case .metadata: bytes.call(1, metadata: ["x": String(repeating: "y", count: 20_000)])
            case .metadataEntries: bytes.call(1, extra: [0x22, 0].times(500_000))
            case .deduplicationEntries:
                var field = ByteBuffer(bytes: [0x1A])
                field.writeVarint(UInt64(1_000_000))
                bytes.call(1, extra: Array(field.readableBytesView) + [0x1A, 0].times(500_000))
            case .segments: bytes.call(1, extra: [0x32, 2, 0x08, 2].times(250_000))
            case .head: bytes.call(1, layout: PayloadLayout(headLength: 5 << 20))
            case .message:
                bytes.call(
                    1,
                    layout: PayloadLayout(
                        segments: [128, 129].map { PayloadLayout.SegmentLength(field: 2, length: $0 << 20) }))
            case .laterMessage:
                bytes.chat(1)
                bytes.message(1, announcing: 257 << 20)
            }
            return bytes.bytes
        }
    }

    @Test(
        "a call over a limit is refused, before it runs unless a later request is, and its connection goes on",
        arguments: Excess.allCases)
    func excess(_ excess: Excess) async throws {
        let loopback = try await Self.start()
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await hostile(loopback)
        await raw.send(excess.bytes)
        let reply = await raw.reply(on: 1)
        #expect(reply?.status == .resourceExhausted)
        #expect(reply?.hasNotRun == (excess != .laterMessage))
        var later = RawBytes()
        later.bytes = []
        later.request(3)
        await raw.send(later.bytes)
        #expect(await raw.reply(on: 3)?.status == .ok)
        #expect(complaints(loopback).isEmpty)
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        await raw.close()
        client.close()
        await loopback.server.stop()
    }

    /// Calls that are cancelled as soon as they are made, and one that is not.
    static let resets: (bytes: [UInt8], last: UInt32) = {
        var bytes = RawBytes.declared
        for number in 0..<20_000 as Range<UInt32> {
            bytes.request(2 * number + 1)
            bytes.add(.cancel, 2 * number + 1)
        }
        bytes.request(40_001)
        return (bytes.bytes, 40_001)
    }()

    @Test("a flood of cancelled calls starts no more handlers than a connection may have, and harms no other")
    func resetFlood() async throws {
        let (running, release) = (Tally(), Gate())
        var configuration = MeshConfiguration.patient
        configuration.limits.concurrentCalls = 4
        let loopback = try await Loopback.start(configuration: configuration) { mesh in
            mesh.serve(Echo.echo) { note, _ in
                guard note.text == "raw" else { return note }
                running.add()
                // A handler that does not care for cancellation.
                await release.waitEvenIfCancelled()
                return note
            }
        }
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await hostile(loopback)
        await raw.send(Self.resets.bytes)
        let reply = await raw.reply(on: Self.resets.last)
        #expect(reply?.status == .resourceExhausted)
        #expect(reply?.hasNotRun == true)
        #expect(try await client.call(Echo.echo, Note("meanwhile")) == Note("meanwhile"))
        await running.reach(4)
        #expect(running.count == 4)
        release.open()
        await raw.close()
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        client.close()
        await loopback.server.stop()
    }

    /// Where a client stops to send.
    enum Silence: String, CaseIterable, Sendable {
        case handshake, preface, hello, frameHeader, head, body

        var bytes: [UInt8] {
            var bytes = RawBytes.declared
            switch self {
            // The beginning of a TLS record.
            case .handshake: return [0x16, 0x03, 0x01]
            case .preface: return Array(Preface.bytes.dropLast())
            case .hello: return Array(RawBytes(features: true).bytes.dropLast(10))
            case .frameHeader: bytes.bytes += [0, 0, 1]
            case .head:
                bytes.request(1)
                bytes.bytes.removeLast(10)
            case .body:
                bytes.announce(1, .seconds(60), segment: 1_000)
                bytes.add(.data, 1, ByteBuffer(repeating: 7, count: 10))
            }
            return bytes.bytes
        }
    }

    @Test("clients that let something hang hold up no other, new or old", arguments: Silence.allCases)
    func meanwhile(_ silence: Silence) async throws {
        // Nobody is let go of: what is answered is answered meanwhile.
        let loopback = try await Self.start()
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        var (plain, raw): ([PlainClient], [RawClient]) = ([], [])
        for _ in 0..<20 {
            if silence == .handshake {
                plain.append(try await PlainClient.connect(port: loopback.port))
                await plain.last?.send(silence.bytes)
            } else {
                raw.append(try await hostile(loopback))
                await raw.last?.send(silence.bytes)
            }
        }
        for raw in raw { _ = await raw.received(RawBytes.serverGreetingBytes) }
        for _ in 0..<10 { #expect(try await client.call(Echo.echo, Note("old")) == Note("old")) }
        let other = try loopback.client("/other")
        #expect(try await other.call(Echo.echo, Note("new")) == Note("new"))
        #expect(complaints(loopback).isEmpty)
        for client in [client, other] { client.close() }
        for raw in raw { await raw.close() }
        await withTaskGroup { group in
            for plain in plain { group.addTask { await plain.untilClosed() } }
            // Closes what nobody else does.
            group.cancelAll()
        }
        await loopback.server.stop()
    }

    @Test("a client that lets something hang is let go of in time, and no other", arguments: Silence.allCases)
    func letGo(_ silence: Silence) async throws {
        var configuration = MeshConfiguration.patient
        if [.handshake, .preface, .hello].contains(silence) { configuration.handshakeTimeout = .seconds(3) }
        configuration.limits.frameTimeout = .milliseconds(300)
        configuration.limits.requestTimeout = .milliseconds(300)
        let loopback = try await Self.start(configuration)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        if silence == .handshake {
            let plain = try await PlainClient.connect(port: loopback.port)
            await plain.send(silence.bytes)
            await plain.untilClosed()
            let record = await loopback.log.first("connection refused")
            #expect(record.metadata["address"]?.contains("127.0.0.1") == true)
        } else {
            let raw = try await hostile(loopback)
            await raw.send(silence.bytes)
            // Of a call whose request does not come, the call ends.
            if silence == .body {
                #expect(await raw.reply(on: 1)?.status == .deadlineExceeded)
            } else {
                await raw.untilClosed()
            }
            let record = await loopback.log.first("peer does not keep to the protocol")
            #expect(record.metadata["peer"] == "spiffe://test.example/hostile")
            #expect(record.metadata["error"]?.hasPrefix("truncated") == true, "\(record.metadata)")
            await raw.close()
        }
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        client.close()
        await loopback.server.stop()
    }
}

extension RawBytes {
    /// A greeting with all features; method 1 is the echo, method 2 streams both ways.
    static var declared: RawBytes {
        var bytes = RawBytes(features: true)
        bytes.declare()
        bytes.add(
            .declare, 0,
            Payload(
                MethodDeclaration(
                    number: 2, path: Echo.chat.path, requestName: Note.messageName, responseName: Note.messageName,
                    kind: .bidirectional)
            ).head)
        return bytes
    }

    /// A frame's header alone.
    mutating func header(_ kind: FrameKind, _ stream: UInt32, claiming length: Int, hasChecksum: Bool = false) {
        var buffer = ByteBuffer()
        FrameHeader(
            kind: kind, stream: StreamID(rawValue: stream), payloadLength: length, hasChecksum: hasChecksum
        ).write(to: &buffer)
        bytes += buffer.readableBytesView
    }

    /// A frame that begins with a head, which ends with `extra`, and has `inline` behind it.
    mutating func headed(
        _ kind: FrameKind, _ stream: UInt32, _ head: some MeshMessage, extra: [UInt8] = [], inline: [UInt8] = []
    ) {
        let head = Payload(head).head
        var frame = ByteBuffer()
        frame.writeVarint(UInt64(head.readableBytes + extra.count))
        frame.writeImmutableBuffer(head)
        frame.writeBytes(extra)
        frame.writeBytes(inline)
        add(kind, stream, frame)
    }

    /// A call of a declared method without a message, or with the layout of one; `extra` are more bytes of its head.
    mutating func call(
        _ stream: UInt32, _ method: UInt32 = 1, metadata: Metadata = Metadata(),
        layout: PayloadLayout = PayloadLayout(), extra: [UInt8] = []
    ) {
        let head = CallHead(
            method: method, timeRemaining: .seconds(60), deduplication: nil, metadata: metadata, layout: layout)
        headed(.request, stream, head, extra: extra)
    }

    /// A call whose requests follow.
    mutating func chat(_ stream: UInt32) { call(stream, 2) }

    /// One of several messages: empty, or with a segment that does not follow; `ignored` bytes of its head are of a
    /// field that nobody knows.
    mutating func message(_ stream: UInt32, announcing segment: Int? = nil, ignored: Int = 0) {
        let layout = PayloadLayout(segments: segment.map { [.init(field: 2, length: $0)] } ?? [])
        var extra = ByteBuffer()
        if ignored > 0 {
            extra.writeBytes([0x7A])
            extra.writeVarint(UInt64(ignored))
            extra.writeRepeatingByte(0, count: ignored)
        }
        // A message's head has two of a reply's fields.
        headed(.message, stream, ReplyHead(layout: layout), extra: Array(extra.readableBytesView))
    }

    mutating func credit(_ stream: UInt32, _ count: UInt32) { add(.credit, stream, ByteBuffer(integer: count)) }

    mutating func ping() { add(.ping, 0, ByteBuffer(integer: UInt64(1))) }
}

extension RawClient {
    /// Reads nothing behind the handshake.
    func turnDeaf() async throws {
        _ = await negotiated()
        try await setReading(false)
    }

    /// How a call was answered, when it has been.
    func reply(on stream: UInt32) async -> ReplyHead? {
        @Sendable func reply(_ bytes: [UInt8]) -> ReplyHead? {
            let frames = (try? RawBytes.frames(in: bytes)) ?? []
            guard
                var payload = frames.last(where: { $0.header.kind == .response && $0.header.stream.rawValue == stream }
                )?.payload,
                let length = try? payload.readVarint(), let head = payload.readSlice(length: Int(length))
            else { return nil }
            return try? Payload(head: head).decode(as: ReplyHead.self)
        }
        return reply(await received { reply($0) != nil })
    }
}

extension [UInt8] {
    /// The bytes so many times.
    fileprivate func times(_ count: Int) -> [UInt8] { [[UInt8]](repeating: self, count: count).flatMap { $0 } }
}
