package import NIOCore

/// What a connection has yet to send, cut into pieces that no large payload can hold up.
///
/// Small frames wait in one buffer and leave first; what does not fit there follows a frame at a time, in turn by
/// priority, so that neither a small call nor another payload waits behind a large one for longer than a frame. Bytes
/// that follow a call's opening frame leave on the credit that the receiver has given.
package struct OutboundQueue {
    /// The largest payload of a data frame that is sent, in bytes: with its header it fills a buffer of 256 KiB, which
    /// one byte more would double.
    package static let dataFrameBytes = (256 << 10) - FrameHeader.encodedSize
    /// The most bytes of a message head that travel in the frame that opens the stream.
    package static let inlineHeadBytes = 16 << 10
    /// The bytes of small frames that are handed out at a time, so that a turn of many small messages is short as well.
    private static let batchBytes = 64 << 10
    /// A stream takes more messages while fewer bytes than this wait on it.
    private static let streamBytes = 64 << 10
    /// The most answers to pings that wait.
    private static let mostPongs = 1_000

    private var frames: ByteBuffer
    /// What follows the bytes that were handed out last: the frame's payload, in memory of its own.
    private var following = CircularBuffer<ByteBuffer>(initialCapacity: 2)
    private let sharesSegments: Bool
    private var streams = StreamTable<OutboundStream>()
    private var line = OutboundLine()
    /// The bytes that wait on all streams.
    private var waitingBytes = 0
    /// What a new stream may send; `nil` while the receiver counts nothing.
    private var streamCredit: Int?
    private var connectionCredit = Credit(0)
    private var flight = FlightWindow()
    /// Whether the receiver answers the pings that mark where large messages are.
    private var marksFlight = false
    private var hasChecksums = false
    private var relieved: [StreamID] = []
    /// The answers to pings among the small frames.
    private var pongs = 0
    private let allocator: ByteBufferAllocator

    /// - Parameter sharesSegments: whether large payloads are handed out in the memory that they are in, without a copy:
    ///   for those who read what they are given and never write to it, as TLS and sockets do. Default false.
    package init(sharesSegments: Bool = false, allocator: ByteBufferAllocator = ByteBufferAllocator()) {
        self.sharesSegments = sharesSegments
        self.allocator = allocator
        frames = allocator.buffer(capacity: 512)
    }

    /// Goes on as the receiver's hello says; nothing of a call has been queued before.
    package mutating func keep(to hello: Hello, _ features: Features) {
        hasChecksums = features.contains(.checksums)
        guard features.contains(.streams) else { return }
        streamCredit = hello.streamCredit
        connectionCredit = Credit(hello.connectionCredit)
        marksFlight = features.contains(.ping)
    }

    package var isEmpty: Bool {
        frames.readableBytes == 0 && waitingBytes == 0 && line.count == 0 && following.isEmpty
    }

    /// The bytes that have not been sent: what a peer that reads nothing makes this side keep.
    package var queuedBytes: Int {
        frames.readableBytes + waitingBytes + following.reduce(0) { $0 + $1.readableBytes }
    }

    /// The same without the stream that has the most to send: one answer may be larger than all that may wait.
    package var queuedBytesBesideLargest: Int {
        let places = streams.values.indices
        return queuedBytes - places.reduce(0) { max($0, streams.values[$1]?.waitingBytes ?? 0) }
    }

    /// What of it waits for the connection alone: it leaves as soon as the receiver reads, whatever credit it gives.
    package var uncreditedBytes: Int { streamCredit == nil ? queuedBytes : queuedBytes - waitingBytes }

    /// True while a part of what the stream sends has not been sent.
    package func holds(_ stream: StreamID) -> Bool { streams[stream] != nil }

    /// Whether the stream takes another message; if not, ``relievedStreams()`` names it when it does again.
    package mutating func takesMessages(of stream: StreamID) -> Bool {
        guard let waiting = streams[stream]?.waitingBytes else { return false }
        guard waiting >= Self.streamBytes else { return true }
        streams[stream]?.isFull = true
        return false
    }

    /// The streams that take messages again, once.
    package mutating func relievedStreams() -> [StreamID] {
        guard !relieved.isEmpty else { return [] }
        defer { relieved.removeAll() }
        return relieved
    }

    // MARK: What goes in

    /// Queues raw bytes, in order with the small frames.
    package mutating func append(bytes: [UInt8]) {
        frames.writeBytes(bytes)
    }

    /// Queues a frame whose payload is `message`.
    package mutating func append(_ kind: FrameKind, _ stream: StreamID, _ message: some MeshMessage) {
        frames.frame(kind, stream, hasChecksums, opening: { message.encode(to: &$0) })
    }

    /// Queues a frame without a message, of `bytes`.
    package mutating func append(_ kind: FrameKind, _ stream: StreamID, bytes: ByteBuffer = ByteBuffer()) {
        frames.frame(kind, stream, hasChecksums, followedBy: bytes.readableBytes) { $0.writeImmutableBuffer(bytes) }
    }

    /// Answers a ping; throws when the peer asks and does not read the answers.
    mutating func answer(ping payload: ByteBuffer) throws(WireError) {
        pongs += 1
        guard pongs <= Self.mostPongs else {
            throw WireError(.tooLarge, "more than \(Self.mostPongs) pings have come, and no answer is taken")
        }
        append(.pong, .connection, bytes: try pingBytes(payload))
    }

    /// Takes the answer to a ping; false if it is not one of those that mark where large messages are.
    mutating func answered(ping value: UInt64) -> Bool {
        guard flight.answered(value) else { return false }
        markFlight()
        return true
    }

    /// Whether ``advance(to:)`` is of use.
    package var wantsTime: Bool { flight.wantsTime }

    /// Says what the time is after a flush, from which it is learnt how many bytes the path holds.
    package mutating func advance(to now: RuntimeInstant) { flight.advance(to: now) }

    /// Queues credit for the receiver's own bytes.
    mutating func append(credit: Int, _ stream: StreamID) {
        var rest = credit
        while rest > 0 {
            let part = min(rest, CreditFrame.most)
            frames.frame(.credit, stream, hasChecksums, followedBy: CreditFrame.size) {
                _ = $0.writeInteger(UInt32(part))
            }
            rest -= part
        }
    }

    /// Queues the frame that opens a stream, and the message of a call that has but one.
    package mutating func open(
        _ stream: StreamID, _ head: CallHead, payload: Payload = Payload(), streamsRequests: Bool = false
    ) {
        let transfer = Self.write(.request, stream, head, payload, hasChecksums, to: &frames)
        noteSmallMessage(unless: transfer)
        guard transfer != nil || streamsRequests else { return }
        wait(transfer, on: stream, head.priority, isLast: !streamsRequests)
    }

    /// Makes a stream one that several responses leave on.
    package mutating func openResponses(_ stream: StreamID, _ priority: CallPriority) {
        streams[stream] = OutboundStream(priority, credit: streamCredit ?? 0, isLast: false)
    }

    /// Queues a call's outcome, behind what its stream has yet to send.
    package mutating func respond(_ stream: StreamID, _ head: ReplyHead, payload: Payload, _ priority: CallPriority) {
        // Most connections answer calls of one message, and have no streams to look at.
        let open = streams.isEmpty ? nil : streams[stream]
        if let open, !open.isEmpty { return add(.response(head, payload), to: stream) }
        let transfer = Self.write(.response, stream, head, payload, hasChecksums, to: &frames)
        noteSmallMessage(unless: transfer)
        if let transfer { return wait(transfer, on: stream, priority, isLast: true) }
        if open != nil { streams.removeValue(forKey: stream) }
    }

    /// Queues one of a stream's several messages; not for a stream that has been dropped.
    package mutating func message(_ payload: Payload, on stream: StreamID) {
        guard let open = streams[stream] else { return }
        guard open.isEmpty, frames.readableBytes < Self.batchBytes, start(payload, on: stream) else {
            return add(.message(payload), to: stream)
        }
        noteSmallMessage(unless: streams[stream]?.transfer)
    }

    /// Queues the end of a stream's requests.
    package mutating func end(_ stream: StreamID) {
        guard let open = streams[stream] else { return }
        guard open.isEmpty else { return add(.end, to: stream) }
        streams.removeValue(forKey: stream)
        append(.end, stream)
    }

    /// Forgets what has not been sent on a stream: its reader has lost interest.
    package mutating func drop(_ stream: StreamID) {
        guard let dropped = streams.removeValue(forKey: stream) else { return }
        waitingBytes -= dropped.waitingBytes
    }

    /// Takes credit that the receiver gives; a stream that sends no more has no use for it.
    package mutating func credited(_ bytes: Int, _ stream: StreamID) throws(WireError) {
        guard streamCredit != nil else { return }
        guard stream != .connection else { return try connectionCredit.add(bytes, to: stream) }
        guard bytes > 0 else { throw WireError(.malformed, "credit of no bytes for \(stream)") }
        try streams[stream]?.credit.add(bytes, to: stream)
        enterLine(stream)
    }

    // MARK: What comes out

    /// The next bytes to send, or `nil` when there are none, or no credit for them.
    package mutating func next() -> ByteBuffer? {
        if let bytes = following.popFirst() { return bytes }
        if frames.readableBytes > 0 {
            let batch = frames
            frames = allocator.buffer(capacity: 512)
            pongs = 0
            return batch
        }
        // Each stream in line has one chance: those that the connection's credit does not suffice for stay in line.
        for _ in 0..<line.count {
            guard let stream = line.next() else { return nil }
            // Taken out while it changes, so that its items are not shared and copied.
            guard var open = streams.removeValue(forKey: stream) else { continue }
            open.isInLine = false
            let before = open.waitingBytes
            let bytes = produce(stream, &open)
            waitingBytes -= before - open.waitingBytes
            if open.isFull, open.waitingBytes < Self.streamBytes {
                open.isFull = false
                relieved.append(stream)
            }
            if !open.isEmpty || !open.isLast { streams[stream] = open }
            if !open.isEmpty, mayProceed(open) { enterLine(stream) }
            if let bytes { return bytes }
        }
        return nil
    }

    /// The next bytes of one stream: a piece of the message that is under way, or what follows it.
    private mutating func produce(_ stream: StreamID, _ open: inout OutboundStream) -> ByteBuffer? {
        if let transfer = open.transfer {
            return piece(of: transfer, stream, &open)
        }
        var batch = allocator.buffer(capacity: 512)
        while open.transfer == nil, batch.readableBytes < Self.batchBytes, let item = open.items.first {
            switch item {
            case .message(let payload):
                guard start(payload, stream, &open, in: &batch) else {
                    return batch.readableBytes > 0 ? batch : nil
                }
            case .end:
                batch.frame(.end, stream, hasChecksums)
            case .response(let head, let payload):
                open.transfer = Self.write(.response, stream, head, payload, hasChecksums, to: &batch)
                open.isLast = true
            }
            _ = open.items.popFirst()
            if case .end = item { open.isLast = true }
            open.waitingBytes -= item.bytes - (open.transfer?.remaining ?? 0)
        }
        return batch
    }

    private mutating func piece(
        of transfer: Transfer, _ stream: StreamID, _ open: inout OutboundStream
    ) -> ByteBuffer? {
        // Not shared while it is written from.
        open.transfer = nil
        var transfer = transfer
        let checksum = hasChecksums ? CRC32C.size : 0
        let length = min(
            Self.dataFrameBytes - checksum, transfer.remaining, allowance(open), marksFlight ? flight.allowance : .max)
        guard length > 0 else {
            open.transfer = transfer
            return nil
        }
        let before = transfer.remaining
        var frame: ByteBuffer
        if sharesSegments, let shared = transfer.share(length) {
            frame = allocator.buffer(capacity: FrameHeader.encodedSize)
            let checksum = FrameHeader.write(.data, stream, before: shared, hasChecksums, to: &frame)
            following.append(shared)
            if let checksum { following.append(checksum) }
        } else {
            frame = allocator.buffer(capacity: FrameHeader.encodedSize + length + checksum)
            frame.frame(.data, stream, hasChecksums, followedBy: length) { transfer.write(length, to: &$0) }
        }
        let sent = before - transfer.remaining
        spend(sent, &open)
        flight.leave(sent)
        markFlight()
        open.waitingBytes -= sent
        if transfer.remaining > 0 { open.transfer = transfer }
        return frame
    }

    /// Begins one of a stream's messages among the small frames if there is credit for it.
    private mutating func start(_ payload: Payload, on stream: StreamID) -> Bool {
        guard var open = streams.removeValue(forKey: stream) else { return false }
        // Not shared while it is written to.
        var batch = frames
        frames = ByteBuffer()
        defer {
            frames = batch
            streams[stream] = open
        }
        guard start(payload, stream, &open, in: &batch) else { return false }
        guard let remaining = open.transfer?.remaining else { return true }
        open.waitingBytes += remaining
        waitingBytes += remaining
        if mayProceed(open) {
            open.isInLine = true
            line.append(stream, open.priority)
        }
        return true
    }

    private mutating func start(
        _ payload: Payload, _ stream: StreamID, _ open: inout OutboundStream, in buffer: inout ByteBuffer
    ) -> Bool {
        let begin = buffer.writerIndex
        let transfer = Self.write(
            .message, stream, MessageHead(layout: payload.layout), payload, hasChecksums, to: &buffer)
        let size = buffer.writerIndex - begin - FrameHeader.encodedSize - (hasChecksums ? CRC32C.size : 0)
        let cost = Credit.messageOverhead + size
        guard cost <= allowance(open) else {
            buffer.moveWriterIndex(to: begin)
            open.neededCredit = cost
            return false
        }
        spend(cost, &open)
        open.transfer = transfer
        return true
    }

    /// Writes a frame that begins a message: its head, then what fits beside it.
    ///
    /// - Returns: what follows in data frames.
    private static func write(
        _ kind: FrameKind, _ stream: StreamID, _ head: some MeshMessage, _ payload: Payload, _ hasChecksum: Bool,
        to buffer: inout ByteBuffer
    ) -> Transfer? {
        var transfer = Transfer(payload)
        let inlineBytes = transfer.inlineBytes
        buffer.frame(kind, stream, hasChecksum, opening: { $0.delimited(head) }, followedBy: inlineBytes) { buffer in
            transfer.write(inlineBytes, to: &buffer)
        }
        return transfer.remaining > 0 ? transfer : nil
    }

    /// Has a stream wait for its turns with what follows its opening frame.
    private mutating func wait(_ transfer: Transfer?, on stream: StreamID, _ priority: CallPriority, isLast: Bool) {
        var open = streams[stream] ?? OutboundStream(priority, credit: streamCredit ?? 0, isLast: isLast)
        open.isLast = isLast
        open.transfer = transfer
        open.waitingBytes += transfer?.remaining ?? 0
        waitingBytes += transfer?.remaining ?? 0
        streams[stream] = open
        enterLine(stream)
    }

    private mutating func add(_ item: OutboundStream.Item, to stream: StreamID) {
        streams[stream]?.items.append(item)
        streams[stream]?.waitingBytes += item.bytes
        waitingBytes += item.bytes
        enterLine(stream)
    }

    private mutating func enterLine(_ stream: StreamID) {
        guard let open = streams[stream], !open.isInLine, !open.isEmpty, mayProceed(open) else { return }
        streams[stream]?.isInLine = true
        line.append(stream, open.priority)
    }

    /// Whether the stream's own credit lets something leave.
    private func mayProceed(_ open: OutboundStream) -> Bool {
        streamCredit == nil || open.credit.bytes >= (open.transfer == nil ? open.neededCredit : 1)
    }

    private func allowance(_ open: OutboundStream) -> Int {
        streamCredit == nil ? .max : min(open.credit.bytes, connectionCredit.bytes)
    }

    /// Remembers that a message which needs no transfer leaves beside those that do.
    private mutating func noteSmallMessage(unless transfer: Transfer?) {
        guard transfer == nil, waitingBytes > 0, marksFlight else { return }
        flight.smallMessageLeaves()
        markFlight()
    }

    /// Has a ping follow the bytes that have left, where one has to.
    private mutating func markFlight() {
        guard marksFlight, let mark = flight.nextMark() else { return }
        append(.ping, .connection, bytes: ByteBuffer(integer: mark))
    }

    private mutating func spend(_ count: Int, _ open: inout OutboundStream) {
        guard streamCredit != nil else { return }
        open.credit.spend(count)
        connectionCredit.spend(count)
    }
}

extension ByteBuffer {
    /// Appends a frame whose payload is what `opening` encodes, then the `count` bytes that `body` writes.
    fileprivate mutating func frame(
        _ kind: FrameKind, _ stream: StreamID, _ hasChecksum: Bool, opening: (inout MessageEncoder) -> Void = { _ in },
        followedBy count: Int = 0, _ body: (inout ByteBuffer) -> Void = { _ in }
    ) {
        // The encoder holds the only reference while it writes, so that nothing is copied.
        var encoder = MessageEncoder(appendingTo: exchange(&self, with: ByteBuffer()))
        let start = encoder.position
        let header = FrameHeader(kind: kind, stream: stream, payloadLength: 0, hasChecksum: hasChecksum)
        header.write(to: &encoder)
        opening(&encoder)
        let length = encoder.position - start - FrameHeader.encodedSize + count + (hasChecksum ? CRC32C.size : 0)
        FrameHeader.overwriteLength(length, at: start, in: &encoder)
        self = encoder.finish()
        body(&self)
        guard hasChecksum else { return }
        writeInteger(CRC32C.of(viewBytes(at: start, length: writerIndex - start)))
    }
}
