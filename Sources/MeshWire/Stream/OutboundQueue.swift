package import NIOCore

/// What a connection has yet to send, cut into pieces that no large payload can hold up.
///
/// Small frames wait in one buffer and leave first; payloads follow a frame at a time, in turn, so that neither a
/// small call nor another payload waits behind a large one for longer than a frame.
package struct OutboundQueue {
    /// The largest payload of a data frame that is sent, in bytes: with its header it fills a buffer of 256 KiB, which
    /// one byte more would double.
    package static let dataFrameBytes = (256 << 10) - FrameHeader.encodedSize
    /// The most bytes of a message head that travel in the frame that opens the stream.
    package static let inlineHeadBytes = 16 << 10

    private var frames: ByteBuffer
    private var transfers: [Transfer] = []
    /// The bytes that remain of all transfers.
    private var transferBytes = 0
    private var turn = 0
    private let allocator: ByteBufferAllocator

    package init(allocator: ByteBufferAllocator = ByteBufferAllocator()) {
        self.allocator = allocator
        frames = allocator.buffer(capacity: 512)
    }

    package var isEmpty: Bool { frames.readableBytes == 0 && transfers.isEmpty }

    /// The bytes that have not been sent: what a peer that reads nothing makes this side keep.
    package var queuedBytes: Int { frames.readableBytes + transferBytes }

    /// True while a part of the stream's payload has not been sent.
    package func holdsPayload(of stream: StreamID) -> Bool { transfers.contains { $0.stream == stream } }

    /// Queues raw bytes, in order with the small frames.
    package mutating func append(bytes: [UInt8]) {
        frames.writeBytes(bytes)
    }

    /// Queues a frame whose payload is `message`.
    package mutating func append(_ kind: FrameKind, _ stream: StreamID, _ message: some MeshMessage) {
        frame(kind, stream) { $0.encode { message.encode(to: &$0) } }
    }

    /// Queues a frame without a payload.
    package mutating func append(_ kind: FrameKind, _ stream: StreamID) {
        FrameHeader(kind: kind, stream: stream, payloadLength: 0).write(to: &frames)
    }

    /// Queues a frame that opens or ends a stream, and its payload: head first, then what fits beside it.
    package mutating func append(
        _ kind: FrameKind, _ stream: StreamID, _ head: some MeshMessage, payload: Payload
    ) {
        var transfer = Transfer(stream: stream, payload: payload)
        let inline = min(payload.head.readableBytes, Self.inlineHeadBytes)
        frame(kind, stream) { frames in
            frames.encode { $0.delimited(head) }
            transfer.write(upTo: inline, to: &frames)
        }
        guard transfer.remaining > 0 else { return }
        transferBytes += transfer.remaining
        transfers.append(transfer)
    }

    /// Forgets what has not been sent of a stream's payload: its reader has lost interest.
    package mutating func drop(_ stream: StreamID) {
        guard let index = transfers.firstIndex(where: { $0.stream == stream }) else { return }
        transferBytes -= transfers.remove(at: index).remaining
        if index < turn { turn -= 1 }
    }

    /// The next bytes to send, or `nil` when there are none.
    package mutating func next() -> ByteBuffer? {
        if frames.readableBytes > 0 {
            let batch = frames
            frames = allocator.buffer(capacity: 512)
            return batch
        }
        guard !transfers.isEmpty else { return nil }
        if turn >= transfers.count { turn = 0 }
        let length = min(Self.dataFrameBytes, transfers[turn].remaining)
        var frame = allocator.buffer(capacity: FrameHeader.encodedSize + length)
        FrameHeader(kind: .data, stream: transfers[turn].stream, payloadLength: length).write(to: &frame)
        transfers[turn].write(upTo: length, to: &frame)
        transferBytes -= length
        if transfers[turn].remaining == 0 { transfers.remove(at: turn) } else { turn += 1 }
        return frame
    }

    /// Appends a frame whose payload is what `body` writes.
    private mutating func frame(_ kind: FrameKind, _ stream: StreamID, _ body: (inout ByteBuffer) -> Void) {
        let start = frames.writerIndex
        FrameHeader(kind: kind, stream: stream, payloadLength: 0).write(to: &frames)
        body(&frames)
        FrameHeader.setPayloadLength(
            frames.writerIndex - start - FrameHeader.encodedSize, ofHeaderAt: start, in: &frames)
    }

    /// A payload on its way out.
    private struct Transfer {
        let stream: StreamID
        var remaining: Int
        private let payload: Payload
        private var position = 0

        init(stream: StreamID, payload: Payload) {
            self.stream = stream
            self.payload = payload
            remaining = payload.segments.reduce(payload.head.readableBytes) { $0 + $1.segment.count }
        }

        /// Appends the next `length` bytes, which must be there.
        mutating func write(upTo length: Int, to buffer: inout ByteBuffer) {
            var missing = length
            var start = 0
            if position < payload.head.readableBytes {
                let part = min(missing, payload.head.readableBytes - position)
                let slice = payload.head.getSlice(at: payload.head.readerIndex + position, length: part)
                buffer.writeImmutableBuffer(slice ?? ByteBuffer())
                advance(by: part, &missing)
            }
            start = payload.head.readableBytes
            for field in payload.segments where missing > 0 {
                let end = start + field.segment.count
                if position < end, position >= start {
                    let part = min(missing, end - position)
                    field.segment.write((position - start)..<(position - start + part), to: &buffer)
                    advance(by: part, &missing)
                }
                start = end
            }
        }

        private mutating func advance(by part: Int, _ missing: inout Int) {
            position += part
            remaining -= part
            missing -= part
        }
    }
}

extension ByteBuffer {
    /// Appends what `body` encodes.
    fileprivate mutating func encode(_ body: (inout MessageEncoder) -> Void) {
        var encoder = MessageEncoder(appendingTo: self)
        // The encoder holds the only reference while it writes, so that nothing is copied.
        self = ByteBuffer()
        body(&encoder)
        self = encoder.head
    }
}
