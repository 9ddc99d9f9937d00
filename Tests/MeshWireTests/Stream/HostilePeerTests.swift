import MeshWire
import NIOCore
import TestSupport
import Testing

/// What a peer sends that wants to do harm, or has lost its mind: errors, and bounded memory.
@Suite struct HostilePeerTests {
    private static func limits() -> WireLimits {
        var limits = WireLimits()
        limits.concurrentCalls = 8
        limits.declaredMethods = 8
        limits.messageHeadBytes = 10_000
        limits.messageBytes = 100_000
        limits.largeMessageBytes = 200_000
        return limits
    }

    /// A conversation of a client, as bytes.
    private static func client(_ generator: inout SeededGenerator) -> [UInt8] {
        var frames = RawFrames.greeting
        var methods: UInt32 = 0
        var stream: UInt32 = 1
        for _ in 0..<30 {
            switch generator.next() % 6 {
            case 0 where methods < 8:
                methods += 1
                frames.declare(methods)
            case 1...3 where methods > 0:
                let head = Int(generator.next() % 300)
                let segment = Int(generator.next() % 500)
                frames.request(
                    stream, method: UInt32(generator.next() % UInt64(methods)) + 1, head: head, segments: [segment],
                    inline: generator.bytes(head))
                if segment > 0, generator.next() % 2 == 0 {
                    frames.add(.data, stream, payload: generator.bytes(segment))
                }
                stream += 2
            case 4 where stream > 1:
                frames.add(.cancel, stream - 2)
            default: break
            }
        }
        return frames.bytes
    }

    /// A server's conversation with a client that has opened streams 1 to 39.
    private static func server(_ generator: inout SeededGenerator) -> [UInt8] {
        var frames = RawFrames.greeting
        for stream in stride(from: UInt32(1), to: 40, by: 2) {
            let head = Int(generator.next() % 300)
            let segment = Int(generator.next() % 500)
            frames.response(
                stream,
                ReplyHead(layout: PayloadLayout(headLength: head, segments: [.init(field: 3, length: segment)])),
                inline: generator.bytes(head))
            if segment > 0 { frames.add(.data, stream, payload: generator.bytes(segment)) }
        }
        frames.add(.goAway, 0, GoAway(lastStream: StreamID(rawValue: 39), reason: "bye"))
        return frames.bytes
    }

    private static func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        for _ in 0...generator.next() % 4 {
            let index = Int.random(in: bytes.indices, using: &generator)
            switch generator.next() % 4 {
            case 0: bytes[index] = UInt8(truncatingIfNeeded: generator.next())
            case 1: bytes[index] ^= 1 << UInt8(generator.next() % 8)
            case 2: bytes.insert(contentsOf: generator.bytes(3), at: index)
            default: bytes.removeSubrange(index..<min(bytes.count, index + Int(generator.next() % 20)))
            }
            if bytes.isEmpty { bytes = [0] }
        }
    }

    /// Feeds a server; answers every second call.
    private func feedServer(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> WireError? {
        var state = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: Self.limits())
        var rest = ByteBuffer(bytes: bytes)
        do throws(WireError) {
            while rest.readableBytes > 0 {
                state.receive(rest.readSlice(length: min(rest.readableBytes, Int(generator.next() % 400) + 1))!)
                while let event = try state.nextEvent() {
                    if case .call(let stream, _, let payload) = event, stream.rawValue % 4 == 1 {
                        _ = try? payload.decode(as: Everything.self)
                        state.reply(to: stream)
                    }
                }
                #expect(state.openStreams <= 8)
                while state.nextWrite() != nil {}
            }
            try state.end()
            return nil
        } catch { return error }
    }

    private func feedClient(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> WireError? {
        var state = ClientConnectionState(instance: InstanceID(high: 2, low: 2), limits: Self.limits())
        var methods = DeclaredMethods()
        var rest = ByteBuffer(bytes: bytes)
        do throws(WireError) {
            while rest.readableBytes > 0 {
                state.receive(rest.readSlice(length: min(rest.readableBytes, Int(generator.next() % 400) + 1))!)
                while let event = try state.nextEvent() {
                    if case .established = event { methods.openCalls(20, in: &state) }
                    if case .response(_, _, let payload) = event { _ = try? payload.decode(as: Everything.self) }
                }
                #expect(state.openStreams <= 20)
                while state.nextWrite() != nil {}
            }
            try state.end()
            return nil
        } catch { return error }
    }

    @Test("the conversations that the others are made from are valid", arguments: 300..<304 as Range<UInt64>)
    func valid(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(15) {
            #expect(feedServer(Self.client(&generator), &generator) == nil, "seed \(seed)")
            #expect(feedClient(Self.server(&generator), &generator) == nil, "seed \(seed)")
        }
    }

    @Test("changed conversations are refused or read, and never trap", arguments: 310..<318 as Range<UInt64>)
    func mutated(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var refused = 0
        let count = rounds(50)
        for _ in 0..<count {
            var bytes = Self.client(&generator)
            Self.mutate(&bytes, &generator)
            if feedServer(bytes, &generator) != nil { refused += 1 }
            bytes = Self.server(&generator)
            Self.mutate(&bytes, &generator)
            if feedClient(bytes, &generator) != nil { refused += 1 }
        }
        // A change may make another valid conversation.
        #expect(refused > count / 2, "seed \(seed)")
    }

    @Test("random bytes are refused, also after a proper greeting", arguments: 320..<324 as Range<UInt64>)
    func garbage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(80) {
            let noise = generator.bytes(Int(generator.next() % 200) + 13)
            #expect(feedServer(noise, &generator) != nil, "seed \(seed)")
            #expect(feedClient(noise, &generator) != nil, "seed \(seed)")
            #expect(feedServer(RawFrames.greeting.bytes + noise, &generator) != nil, "seed \(seed)")
            #expect(feedClient(RawFrames.greeting.bytes + noise, &generator) != nil, "seed \(seed)")
        }
    }

    @Test("random heads in proper frames are refused or read, and never trap", arguments: 330..<338 as Range<UInt64>)
    func randomHeads(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(80) {
            var frames = RawFrames.greeting
            frames.declare(1)
            let kind = [FrameKind.declare, .request, .data, .cancel, .goAway].randomElement(using: &generator)!
            var payload = generator.bytes(Int(generator.next() % 60))
            // A proper length, so that the bytes behind it are read as a head.
            if kind == .request, !payload.isEmpty { payload[0] = UInt8(payload.count - 1) }
            frames.add(kind, 1, payload: payload)
            _ = feedServer(frames.bytes, &generator)
            frames = .greeting
            frames.add(.response, 1, payload: payload)
            _ = feedClient(frames.bytes, &generator)
        }
    }

    @Test("a call that announces much and sends nothing sets no memory aside")
    func announcements() throws {
        var limits = WireLimits()
        limits.concurrentCalls = 1_024
        var server = try ServerUnderTest(limits)
        var frames = RawFrames.greeting
        frames.declare(1)
        // Far more than the machine has, if each were believed.
        for stream in 0..<4_000 as Range<UInt32> { frames.request(2 * stream + 1, segments: [256 << 20]) }
        // Two are announced, and of the others is told that they end.
        let events = try server.receive(frames)
        #expect(events.count { if case .cancelled = $0 { true } else { false } } == 3_998)
        #expect(events.count == 2 + 3_998)
        #expect(server.state.openStreams == 2)
        #expect(try server.replies().count == 3_998)
    }

    @Test("a stream of requests and cancellations leaves nothing behind")
    func rapidReset() throws {
        var server = try ServerUnderTest()
        var frames = RawFrames.greeting
        frames.declare(1)
        _ = try server.receive(frames)
        for number in 0..<5_000 as Range<UInt32> {
            var frames = RawFrames()
            frames.request(2 * number + 1, head: Int(number % 2))
            frames.add(.cancel, 2 * number + 1)
            _ = try server.receive(frames)
        }
        #expect(server.state.openStreams == 0)
        #expect(server.state.isIdle || server.state.nextWrite() == nil)
    }
}
