import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite struct FrameDecoderTests {
    /// Frames of several kinds, one after another, and what they are.
    private static let stream: (bytes: [UInt8], frames: [String]) = {
        var buffer = ByteBuffer()
        func add(_ kind: FrameKind, _ stream: UInt32, _ payload: [UInt8]) {
            FrameHeader(kind: kind, stream: StreamID(rawValue: stream), payloadLength: payload.count).write(to: &buffer)
            buffer.writeBytes(payload)
        }
        add(.hello, 0, [1, 2, 3])
        add(.request, 1, Array(10..<50))
        add(.data, 1, Array(50..<60))
        add(.cancel, 1, [])
        add(.data, 3, [7])
        add(.goAway, 0, [9])
        return (
            Array(buffer.readableBytesView),
            [
                "hello 0 [1, 2, 3]", "request 1 \(Array(10..<50))", "data 1 \(Array(50..<60))", "cancel 1 []",
                "data 3 [7]", "goAway 0 [9]",
            ]
        )
    }()

    /// What comes out when `pieces` go in, with the pieces of a data frame put together.
    private func frames(of pieces: [[UInt8]]) throws -> [String] {
        var decoder = FrameDecoder(largestPayload: 1_024)
        var frames: [String] = []
        var data: [UInt8] = []
        var expected = 0
        for piece in pieces {
            decoder.feed(ByteBuffer(bytes: piece))
            while let element = try decoder.next() {
                switch element {
                case .frame(let header, let payload):
                    #expect(data.isEmpty)
                    frames.append("\(header.kind) \(header.stream.rawValue) \(Array(payload.readableBytesView))")
                case .data(let stream, let piece):
                    // The two data frames have ten bytes and one.
                    expected = stream == .first ? 10 : 1
                    data += Array(piece.readableBytesView)
                    guard data.count == expected else { continue }
                    frames.append("data \(stream.rawValue) \(data)")
                    data = []
                }
            }
        }
        #expect(decoder.isBetweenFrames)
        return frames
    }

    @Test("the same frames come out wherever the bytes are cut in two")
    func everySplit() throws {
        let (bytes, expected) = Self.stream
        for cut in 0...bytes.count {
            #expect(try frames(of: [Array(bytes[..<cut]), Array(bytes[cut...])]) == expected, "cut at \(cut)")
        }
    }

    @Test("the same frames come out of single bytes and of random pieces", arguments: [0 as UInt64, 31, 32, 33])
    func randomPieces(seed: UInt64) throws {
        let (bytes, expected) = Self.stream
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = seed == 0 ? 1 : Int(generator.next() % 12)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(try frames(of: pieces) == expected, "seed \(seed)")
        }
    }

    @Test("the connection is between frames only where one ends")
    func betweenFrames() throws {
        let (bytes, _) = Self.stream
        // Hello, request, data, cancel, data, goAway, with headers.
        let ends: Set<Int> = [0, 15, 67, 89, 101, 114, 127]
        for cut in 0...bytes.count {
            var decoder = FrameDecoder(largestPayload: 1_024)
            decoder.feed(ByteBuffer(bytes: bytes[..<cut]))
            while try decoder.next() != nil {}
            #expect(decoder.isBetweenFrames == ends.contains(cut), "cut at \(cut)")
        }
    }

    private func error(_ kind: FrameKind, length: Int) -> WireError.Code? {
        var buffer = ByteBuffer()
        FrameHeader(kind: kind, stream: .first, payloadLength: length).write(to: &buffer)
        var decoder = FrameDecoder(largestPayload: 1 << 20)
        decoder.feed(buffer)
        return wireError { () throws(WireError) in _ = try decoder.next() }
    }

    @Test("a frame over the limit is refused when its header is there")
    func tooLarge() {
        for kind in [FrameKind.request, .response, .data] {
            #expect(error(kind, length: 1 << 20) == nil)
            #expect(error(kind, length: (1 << 20) + 1) == .tooLarge)
            #expect(error(kind, length: Int(UInt32.max)) == .tooLarge)
        }
    }

    @Test("a frame that carries no call is small", arguments: [FrameKind.hello, .declare, .cancel, .goAway])
    func control(kind: FrameKind) {
        #expect(error(kind, length: FrameDecoder.largestControlPayload) == nil)
        #expect(error(kind, length: FrameDecoder.largestControlPayload + 1) == .tooLarge)
    }

    @Test("an empty data frame is refused: it would be work without progress")
    func emptyData() {
        #expect(error(.data, length: 0) == .malformed)
    }

    @Test(
        "a frame that has lost the mark of its checksum is no frame without one",
        arguments: [FrameKind.declare, .cancel, .end, .credit, .ping, .pong, .request, .data])
    func lostMark(kind: FrameKind) {
        var frames = RawFrames()
        // What was a checksum would be taken for a part of the payload.
        frames.add(kind, 1, payload: [1, 2, 3, 4])
        var decoder = FrameDecoder(largestPayload: 1 << 20)
        decoder.features = [.streams, .ping, .checksums]
        decoder.feed(ByteBuffer(bytes: frames.bytes))
        #expect(wireError { () throws(WireError) in _ = try decoder.next() } == .malformed)
    }

    @Test("a server that goes away before it has read the hello has no checksum, and none that goes away later")
    func goAwayWithoutChecksum() throws {
        var goAway = RawFrames()
        goAway.add(.goAway, 0, payload: [1])
        var decoder = FrameDecoder(largestPayload: 1 << 20)
        decoder.features = [.streams, .checksums]
        decoder.feed(ByteBuffer(bytes: goAway.bytes))
        guard case .frame(let header, _)? = try decoder.next() else {
            Issue.record("the frame was not read")
            return
        }
        #expect(header.kind == .goAway)
        var queue = OutboundQueue()
        queue.keep(to: Hello(instance: InstanceID(high: 1, low: 1), limits: WireLimits()), [.streams, .checksums])
        queue.append(.cancel, .first)
        while let bytes = queue.next() { decoder.feed(bytes) }
        #expect(try decoder.next() != nil)
        decoder.feed(ByteBuffer(bytes: goAway.bytes))
        #expect(wireError { () throws(WireError) in _ = try decoder.next() } == .malformed)
    }
}
