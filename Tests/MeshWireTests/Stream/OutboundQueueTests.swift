import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite struct OutboundQueueTests {
    private func payload(_ count: Int, _ fill: UInt8 = 1, head: Int = 0) -> Payload {
        Payload(
            head: ByteBuffer(repeating: 9, count: head),
            segments: [SegmentField(number: 2, segment: Segment(copying: [UInt8](repeating: fill, count: count)))])
    }

    /// The frames in `bytes`: kind, stream and size of the payload.
    private func frames(_ bytes: ByteBuffer?) throws -> [FrameHeader] {
        guard var rest = bytes else { return [] }
        var headers: [FrameHeader] = []
        while rest.readableBytes > 0 {
            let header = try #require(try FrameHeader(from: &rest))
            rest.moveReaderIndex(forwardBy: header.payloadLength)
            headers.append(header)
        }
        return headers
    }

    private func stream(_ number: UInt32) -> StreamID { StreamID(rawValue: number) }

    private func append(_ queue: inout OutboundQueue, _ number: UInt32, _ payload: Payload) {
        queue.respond(stream(number), ReplyHead(layout: payload.layout), payload: payload, .normal)
    }

    @Test("a small call never waits behind more than one data frame")
    func smallCallFirst() throws {
        var queue = OutboundQueue()
        append(&queue, 1, payload(6 << 20))
        append(&queue, 3, payload(6 << 20))
        #expect(try frames(queue.next()).map(\.kind) == [.response, .response])
        for number in stride(from: UInt32(5), to: 45, by: 2) {
            let data = try frames(queue.next())
            #expect(data.map(\.kind) == [.data])
            #expect(data[0].payloadLength <= OutboundQueue.dataFrameBytes)
            append(&queue, number, Payload(head: ByteBuffer(repeating: 7, count: 100)))
            #expect(try frames(queue.next()).map(\.stream) == [stream(number)])
        }
    }

    @Test("large payloads take turns, a frame each")
    func turns() throws {
        var queue = OutboundQueue()
        for number: UInt32 in [1, 3, 5] { append(&queue, number, payload(3 * OutboundQueue.dataFrameBytes)) }
        _ = queue.next()
        var order: [UInt32] = []
        while let bytes = queue.next() { order += try frames(bytes).map(\.stream.rawValue) }
        #expect(order == [1, 3, 5, 1, 3, 5, 1, 3, 5])
        #expect(queue.isEmpty)
    }

    @Test("a message that fits travels in the frame that opens its stream")
    func inline() throws {
        var queue = OutboundQueue()
        append(&queue, 1, Payload(head: ByteBuffer(repeating: 7, count: OutboundQueue.inlineHeadBytes)))
        append(&queue, 3, Payload(head: ByteBuffer(repeating: 7, count: OutboundQueue.inlineHeadBytes + 1)))
        #expect(try frames(queue.next()).count == 2)
        #expect(try frames(queue.next()).map(\.payloadLength) == [1])
        #expect(queue.next() == nil)
    }

    @Test("what is dropped is not sent, and the others keep their turns", arguments: 0..<4)
    func dropping(position: Int) throws {
        var queue = OutboundQueue()
        let numbers: [UInt32] = [1, 3, 5, 7]
        for number in numbers { append(&queue, number, payload(2 * OutboundQueue.dataFrameBytes)) }
        _ = queue.next()
        var order: [UInt32] = []
        for _ in 0..<2 { order += try frames(queue.next()).map(\.stream.rawValue) }
        let dropped = numbers[position]
        #expect(queue.holds(stream(dropped)))
        queue.drop(stream(dropped))
        #expect(!queue.holds(stream(dropped)))
        queue.drop(stream(dropped))
        let before = order.count
        while let bytes = queue.next() { order += try frames(bytes).map(\.stream.rawValue) }
        #expect(!order[before...].contains(dropped))
        for number in numbers where number != dropped { #expect(order.count { $0 == number } == 2) }
        #expect(queue.isEmpty)
    }

    @Test("the bytes that wait are known", arguments: [71 as UInt64, 72])
    func queuedBytes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var queue = OutboundQueue()
        #expect(queue.queuedBytes == 0)
        var headers = 0
        for number in 0..<40 as Range<UInt32> {
            append(
                &queue, 2 * number + 1, payload(Int(generator.next() % 600_000), head: Int(generator.next() % 40_000)))
            if generator.next() % 4 == 0 { queue.drop(stream(2 * number + 1)) }
            if generator.next() % 3 == 0 {
                let (before, sent) = (queue.queuedBytes, queue.next()!)
                let frames = try frames(sent)
                headers += frames.count
                // A data frame's header is made when it leaves.
                let made = frames.first?.kind == .data ? FrameHeader.encodedSize : 0
                #expect(queue.queuedBytes == before - sent.readableBytes + made, "seed \(seed)")
            }
        }
        while queue.next() != nil { #expect(queue.queuedBytes >= 0) }
        #expect(queue.queuedBytes == 0)
        #expect(queue.isEmpty)
    }

    @Test("a payload's bytes leave in order: head, then segments", arguments: [81 as UInt64, 82, 83])
    func content(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let head = generator.bytes(40_000)
        let segments = [generator.bytes(300_000), [], generator.bytes(1), generator.bytes(262_144), []]
        let payload = Payload(
            head: ByteBuffer(bytes: head),
            segments: segments.map { SegmentField(number: 2, segment: Segment(copying: $0)) })
        var queue = OutboundQueue()
        append(&queue, 1, payload)
        let first = queue.next()
        var opening = try #require(first)
        let header = try #require(try FrameHeader(from: &opening))
        #expect(header.payloadLength == opening.readableBytes)
        let headLength = Int(try opening.readVarint())
        opening.moveReaderIndex(forwardBy: headLength)
        var sent = Array(opening.readableBytesView)
        while var frame = queue.next() {
            _ = try FrameHeader(from: &frame)
            sent += Array(frame.readableBytesView)
        }
        #expect(sent == head + segments.flatMap { $0 })
    }

    @Test(
        "a queue that shares large payloads sends the bytes of one that copies them",
        arguments: [91 as UInt64, 92], [false, true])
    func sharing(seed: UInt64, hasChecksums: Bool) throws {
        /// All that a queue sends of payloads that a seed chooses, some of which are dropped.
        func sent(sharesSegments: Bool) throws -> [StreamID: [UInt8]] {
            var generator = SeededGenerator(seed: seed)
            var queue = OutboundQueue(sharesSegments: sharesSegments)
            if hasChecksums {
                queue.keep(to: Hello(instance: InstanceID(high: 1, low: 1), limits: WireLimits()), [.checksums])
            }
            var all = ByteBuffer()
            for number in 0..<6 as Range<UInt32> {
                let sizes = [300_000, 20_000, 1_000, 0].map { Int(generator.next() % UInt64($0 + 1)) }
                let payload = Payload(
                    head: ByteBuffer(bytes: generator.bytes(Int(generator.next() % 40_000))),
                    segments: sizes.map {
                        SegmentField(number: 2, segment: Segment(copying: generator.bytes($0)))
                    })
                append(&queue, 2 * number + 1, payload)
                for _ in 0..<generator.next() % 4 {
                    if let bytes = queue.next() { all.writeImmutableBuffer(bytes) }
                }
            }
            while let bytes = queue.next() {
                #expect(queue.queuedBytes >= 0)
                all.writeImmutableBuffer(bytes)
            }
            #expect(queue.isEmpty && queue.queuedBytes == 0)
            return try contents(of: all, hasChecksums)
        }
        #expect(try sent(sharesSegments: true) == sent(sharesSegments: false), "seed \(seed)")
    }

    /// What the frames in `bytes` say on each stream; their checksums are verified.
    private func contents(of bytes: ByteBuffer, _ hasChecksums: Bool) throws -> [StreamID: [UInt8]] {
        var decoder = FrameDecoder(largestPayload: 256 << 10)
        if hasChecksums { decoder.features = [.checksums] }
        decoder.feed(bytes)
        var contents: [StreamID: [UInt8]] = [:]
        while let element = try decoder.next() {
            switch element {
            case .frame(let header, let payload): contents[header.stream, default: []] += payload.readableBytesView
            case .data(let stream, let piece): contents[stream, default: []] += piece.readableBytesView
            }
        }
        #expect(decoder.isBetweenFrames)
        return contents
    }
}
