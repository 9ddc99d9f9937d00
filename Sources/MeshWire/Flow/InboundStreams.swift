import NIOCore

/// What a connection receives on its streams: puts messages together and gives the sender credit for more.
///
/// A stream's sender has credit for a fixed number of bytes that nobody has taken yet. A message that is announced larger
/// than that gets what it lacks at once, in one grant, if the connection has room for it: so a large message costs no
/// round trips but the first, and what a connection holds is bounded all the same. Credit for the connection comes back
/// as bytes are received; it bounds what is on its way.
///
/// Towards a sender of the first version, which counts nothing, only the room is looked at.
struct InboundStreams {
    /// What has arrived of a message.
    enum Arrival {
        /// The stream was closed before: nobody wants it.
        case unwanted
        /// More is to come.
        case incomplete
        case complete(Payload)
        /// A sender that counts nothing has begun a message that there is no room for.
        case noRoom
        /// The message is over a limit of ours; its stream is forgotten.
        case tooLarge(WireError)
    }

    private let limits: WireLimits
    private var streams = StreamTable<InboundStream>()
    private var room: LargeMessageRoom
    /// What the sender may still send on all streams; `nil` while it counts nothing.
    private var credit: Credit?
    /// The bytes that have been received since the connection was last given credit.
    private var received = 0

    init(limits: WireLimits) {
        self.limits = limits
        room = LargeMessageRoom(bytes: limits.largeMessageBytes)
    }

    /// Counts what the sender sends, who has read our hello.
    mutating func count() { credit = Credit(limits.connectionCredit) }

    /// True if the sender counts what it sends.
    var isCounted: Bool { credit != nil }

    /// Makes a stream one that several messages arrive on.
    mutating func open(_ stream: StreamID) {
        streams[stream] = InboundStream(credit: limits.streamCredit)
    }

    /// Begins the message of a call that has but one; `piece` is what came with the call's head.
    mutating func begin(
        _ layout: PayloadLayout, totalBytes: Int, on stream: StreamID, _ piece: inout ByteBuffer,
        _ queue: inout OutboundQueue
    ) throws(WireError) -> Arrival {
        var open = InboundStream(credit: limits.streamCredit)
        return try begin(layout, totalBytes, on: stream, &open, &piece, cost: 0, &queue)
    }

    /// Begins the next of several messages; `payload` is a `message` frame's.
    mutating func message(
        on stream: StreamID, _ payload: inout ByteBuffer, _ queue: inout OutboundQueue
    ) throws(WireError) -> Arrival {
        let cost = Credit.messageOverhead + payload.readableBytes
        try receive(cost, &queue)
        let head = try readOpening(&payload, as: MessageHead.self)
        try requireInline(payload)
        guard var open = streams.removeValue(forKey: stream) else { return .unwanted }
        try open.credit.receive(cost, on: stream)
        guard open.assembler == nil else {
            throw WireError(.unexpectedFrame, "a message begins inside another on \(stream)")
        }
        let total: Int
        do throws(WireError) {
            total = try head.layout.totalBytes(within: limits)
        } catch {
            room.give(open.roomTaken)
            grantWaiting(&queue)
            return .tooLarge(error)
        }
        return try begin(head.layout, total, on: stream, &open, &payload, cost: cost, &queue)
    }

    /// Takes the payload of a `data` frame, or a piece of it.
    mutating func data(
        on stream: StreamID, _ piece: inout ByteBuffer, _ queue: inout OutboundQueue
    ) throws(WireError) -> Arrival {
        let count = piece.readableBytes
        try receive(count, &queue)
        // Taken out while it grows, so that its buffers are not shared and copied.
        guard var open = streams.removeValue(forKey: stream) else { return .unwanted }
        if isCounted { try open.credit.receive(count, on: stream) }
        return try append(&piece, to: stream, &open, cost: count)
    }

    /// True if a message has been begun and not ended on the stream.
    func isInsideMessage(_ stream: StreamID) -> Bool { streams[stream]?.assembler != nil }

    /// The message that has waited longest on the stream is with its reader now: its sender may send more.
    mutating func taken(from stream: StreamID, _ queue: inout OutboundQueue) {
        guard var open = streams.removeValue(forKey: stream), let message = open.untaken.popFirst() else { return }
        room.give(message.room)
        open.owed += message.cost
        // Not for each message: a frame is worth sending when it is for a good part of what there is.
        if isCounted, open.owed >= limits.streamCredit / 4, !open.isLast { give(open.owed, to: stream, &open, &queue) }
        streams[stream] = open
        grantWaiting(&queue)
    }

    /// No more messages follow on the stream; those that wait can still be taken.
    mutating func finish(_ stream: StreamID) { streams[stream]?.isLast = true }

    /// Forgets the stream; what still arrives for it is unwanted.
    mutating func close(_ stream: StreamID, _ queue: inout OutboundQueue) {
        guard !streams.isEmpty, let open = streams.removeValue(forKey: stream) else { return }
        room.give(open.roomTaken)
        grantWaiting(&queue)
    }

    /// Throws if more bytes of a message came with its opening frame than may: they are on no credit.
    func requireInline(_ piece: ByteBuffer) throws(WireError) {
        guard !isCounted || piece.readableBytes <= OutboundQueue.inlineHeadBytes else {
            throw WireError(.flowControl, "\(piece.readableBytes) bytes of a message come with its head")
        }
    }

    private mutating func begin(
        _ layout: PayloadLayout, _ totalBytes: Int, on stream: StreamID, _ open: inout InboundStream,
        _ piece: inout ByteBuffer, cost: Int, _ queue: inout OutboundQueue
    ) throws(WireError) -> Arrival {
        open.assembler = PayloadAssembler(layout: layout, totalBytes: totalBytes)
        open.arriving = InboundStream.Message(cost: cost)
        let missing = totalBytes - piece.readableBytes
        if isCounted {
            let lacking = missing - open.credit.bytes
            if lacking > 0 {
                open.arriving.room = totalBytes
                open.lacking = lacking
                if room.take(totalBytes) {
                    try grant(stream, &open, &queue)
                } else {
                    room.wait(stream, totalBytes)
                }
            }
        } else if missing > 0 {
            guard room.take(totalBytes) else { return .noRoom }
            open.arriving.room = totalBytes
        }
        return try append(&piece, to: stream, &open, cost: 0)
    }

    private mutating func append(
        _ piece: inout ByteBuffer, to stream: StreamID, _ open: inout InboundStream, cost: Int
    ) throws(WireError) -> Arrival {
        guard open.assembler != nil else {
            throw WireError(.malformed, "data follows the end of the message on \(stream)")
        }
        open.arriving.cost += cost
        try open.assembler?.append(&piece)
        guard open.assembler?.isComplete == true, let payload = open.assembler?.finish() else {
            streams[stream] = open
            return .incomplete
        }
        open.assembler = nil
        open.untaken.append(open.arriving)
        streams[stream] = open
        return .complete(payload)
    }

    /// Counts bytes of any stream, and gives the connection credit for as many when that is worth a frame.
    private mutating func receive(_ count: Int, _ queue: inout OutboundQueue) throws(WireError) {
        guard credit != nil else { return }
        try credit?.receive(count, on: .connection)
        received += count
        guard received >= limits.connectionCredit / 4 else { return }
        try credit?.add(received, to: .connection)
        queue.append(credit: received, .connection)
        received = 0
    }

    /// Gives a large message what it lacks.
    private func grant(
        _ stream: StreamID, _ open: inout InboundStream, _ queue: inout OutboundQueue
    ) throws(WireError) {
        try open.credit.add(open.lacking, to: stream)
        queue.append(credit: open.lacking, stream)
        // It is for this message alone and does not come back when it is taken.
        open.arriving.cost -= open.lacking
        open.lacking = 0
    }

    private mutating func grantWaiting(_ queue: inout OutboundQueue) {
        while let stream = room.next({ (streams[$0]?.lacking ?? 0) > 0 }) {
            guard var open = streams.removeValue(forKey: stream) else { return }
            // Cannot be more than there may be: a message is far smaller than that.
            try? grant(stream, &open, &queue)
            streams[stream] = open
        }
    }

    private func give(_ bytes: Int, to stream: StreamID, _ open: inout InboundStream, _ queue: inout OutboundQueue) {
        guard bytes > 0, (try? open.credit.add(bytes, to: stream)) != nil else { return }
        open.owed = 0
        queue.append(credit: bytes, stream)
    }
}

/// What one stream receives.
struct InboundStream {
    /// What a message costs its sender, and the connection.
    struct Message {
        /// The credit that comes back to the stream when the message is taken.
        var cost: Int
        /// The room that it has, or waits for.
        var room = 0
    }

    var credit: Credit
    /// The message that is arriving.
    var assembler: PayloadAssembler?
    var arriving = Message(cost: 0)
    /// The credit that the arriving message lacks and waits for.
    var lacking = 0
    /// The messages that have arrived and not been taken, oldest first.
    var untaken = CircularBuffer<Message>()
    /// Credit of messages that have been taken, not given back yet.
    var owed = 0
    /// True once no more messages follow.
    var isLast = false

    init(credit: Int) { self.credit = Credit(credit) }

    /// The room that its messages have.
    var roomTaken: Int {
        let arriving = assembler == nil || lacking > 0 ? 0 : arriving.room
        return untaken.reduce(arriving) { $0 + $1.room }
    }
}
