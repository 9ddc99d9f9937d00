import MeshWire
import NIOCore
import NIOHTTP2

/// The streams of one HTTP/2 connection, on either side: writes what their calls have to say as the peer's windows and
/// the channel allow it, in turns, and gives the peer credit for what has been taken.
///
/// Confined to the connection's event loop.
final class HTTP2Streams<State: GRPCStreamState, Call> {
    typealias Stream = HTTP2Stream<State, Call>

    /// The most bytes of a message that are written in one turn of its stream.
    private static var turnBytes: Int { 64 << 10 }
    /// The most bytes between two flushes.
    private static var flushBytes: Int { 1 << 20 }
    /// From this many queued bytes on a call takes no more messages.
    private static var fullBytes: Int { 256 << 10 }
    /// The windows of a connection and its streams before anything is said of them (RFC 9113, 6.9.2).
    private static var initialWindow: Int { 65_535 }

    private let limits: WireLimits
    private let eventLoop: any EventLoop
    private var open: [HTTP2StreamID: Stream] = [:]
    private var context: ChannelHandlerContext?
    /// The bytes that the peer lets us send on all streams together.
    private var sendWindow = initialWindow
    /// The bytes that the peer lets us send on a stream that begins.
    private var peerStreamWindow = initialWindow
    /// The streams that have something to write and, as far as we know, may.
    private var queue = CircularBuffer<Stream>()
    private var isFlushScheduled = false
    private var isFlushing = false
    /// The bytes of all streams that were received and not given back on the connection.
    private var owed = 0
    private var room: LargeMessageRoom
    /// Called when a call takes messages again.
    var relieved: (Stream) -> Void = { _ in }

    init(_ limits: WireLimits, on eventLoop: any EventLoop) {
        self.limits = limits
        self.eventLoop = eventLoop
        room = LargeMessageRoom(bytes: limits.largeMessageBytes)
    }

    // MARK: The connection

    /// Starts to write to `context`, and gives the peer the connection's credit.
    func begin(_ context: ChannelHandlerContext) {
        self.context = context
        control(.windowUpdate(windowSizeIncrement: limits.connectionCredit - Self.initialWindow), on: .rootStream)
        context.flush()
    }

    /// Stops to write.
    func end() {
        context = nil
        queue.removeAll()
    }

    /// What the peer says about the connection.
    func apply(_ settings: HTTP2Settings) {
        for setting in settings where setting.parameter == .initialWindowSize {
            let change = setting.value - peerStreamWindow
            peerStreamWindow = setting.value
            for stream in open.values {
                stream.sendWindow += change
                enqueue(stream)
            }
        }
    }

    /// What HTTP/2 says about a window.
    func apply(_ update: NIOHTTP2WindowUpdatedEvent) {
        guard let window = update.outboundWindowSize else { return }
        if update.streamID == .rootStream {
            sendWindow = window
        } else if let stream = open[update.streamID] {
            stream.sendWindow = window
            enqueue(stream)
        }
    }

    // MARK: The streams

    var count: Int { open.count }
    var isEmpty: Bool { open.isEmpty }

    /// In the order of their numbers: what happens next must not depend on a dictionary's.
    var inOrder: [Stream] { open.values.sorted { $0.id < $1.id } }

    subscript(_ id: HTTP2StreamID) -> Stream? { open[id] }
    subscript(_ id: StreamID) -> Stream? { open[HTTP2StreamID(Int(id.rawValue))] }

    /// Begins a stream.
    func add(_ id: HTTP2StreamID, _ state: State, _ call: Call) -> Stream {
        let stream = Stream(id, state, call, sendWindow: peerStreamWindow)
        open[id] = stream
        return stream
    }

    /// Forgets a stream.
    func remove(_ stream: Stream) {
        open[stream.id] = nil
        queuedBytes -= stream.countedBytes
        stream.countedBytes = 0
        giveBack(room: stream.inbound.end())
    }

    // MARK: What is sent

    /// The bytes of messages that wait to be written.
    private(set) var queuedBytes = 0

    /// Whether no more wait than may. The largest answer is not counted, which holds nobody up.
    var hasRoomForAnswers: Bool {
        queuedBytes <= limits.queuedReplyBytes
            || queuedBytes - open.values.reduce(0) { max($0, $1.countedBytes) } <= limits.queuedReplyBytes
    }

    /// Whether a call takes another message now; if not, ``relieved`` tells when it does.
    func takesMessages(_ stream: Stream) -> Bool {
        let takes = stream.state.queuedBytes < Self.fullBytes
        if !takes { stream.wantsRelief = true }
        return takes
    }

    /// A stream may have something to write: it is when ``flush()`` is called next.
    func enqueue(_ stream: Stream) {
        count(stream)
        guard !stream.isQueued, !stream.isClosed, stream.state.hasWrites else { return }
        stream.isQueued = true
        queue.append(stream)
    }

    private func count(_ stream: Stream) {
        guard open[stream.id] === stream else { return }
        queuedBytes += stream.state.queuedBytes - stream.countedBytes
        stream.countedBytes = stream.state.queuedBytes
    }

    /// Sends a frame that is no call's.
    func control(_ payload: HTTP2Frame.FramePayload, on id: HTTP2StreamID) {
        context?.write(NIOAny(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
        hasControlFrames = true
    }

    private var hasControlFrames = false

    /// Flushes in the loop's next turn, once for all that ask before.
    func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    /// Writes and flushes what the windows and the channel take now.
    func flush() {
        // The channel may become writable while it is flushed, and calls back.
        guard let context, !isFlushing else { return }
        isFlushing = true
        let written = write(to: context)
        if written > 0 || hasControlFrames {
            hasControlFrames = false
            context.flush()
        }
        isFlushing = false
        // What remains goes out when there is room again, or in the loop's next turn if there is.
        if !queue.isEmpty, sendWindow > 0, context.channel.isWritable { scheduleFlush() }
    }

    private func write(to context: ChannelHandlerContext) -> Int {
        var written = 0
        while context.channel.isWritable, written < Self.flushBytes, let stream = queue.first {
            if stream.state.needsWindow, sendWindow <= 0 { break }
            queue.removeFirst()
            stream.isQueued = false
            written += turn(of: stream, context)
            if stream.wantsRelief, stream.state.queuedBytes < Self.fullBytes {
                stream.wantsRelief = false
                relieved(stream)
            }
            // One whose window is used up is back when that changes.
            if !stream.state.needsWindow || stream.sendWindow > 0 { enqueue(stream) } else { count(stream) }
        }
        return written
    }

    /// Writes the next of a stream's messages and what stands around them; the answer is about how many bytes that is.
    private func turn(of stream: Stream, _ context: ChannelHandlerContext) -> Int {
        var written = 0
        while written < Self.turnBytes {
            let limit = min(Self.turnBytes, stream.sendWindow, sendWindow)
            if stream.state.needsWindow, limit <= 0 { break }
            guard let next = stream.state.nextWrite(limit: max(1, limit)) else { break }
            switch next {
            case .headers(let headers, let endsStream):
                written += 64
                send(.headers(.init(headers: headers, endStream: endsStream)), on: stream, context)
            case .data(let data, let endsStream):
                written += 9 + data.readableBytes
                stream.sendWindow -= data.readableBytes
                sendWindow -= data.readableBytes
                send(.data(.init(data: .byteBuffer(data), endStream: endsStream)), on: stream, context)
            case .reset(let code):
                written += 13
                send(.rstStream(code), on: stream, context)
            }
        }
        return written
    }

    private func send(_ payload: HTTP2Frame.FramePayload, on stream: Stream, _ context: ChannelHandlerContext) {
        guard !stream.isClosed else { return }
        context.write(NIOAny(HTTP2Frame(streamID: stream.id, payload: payload)), promise: nil)
    }

    // MARK: What arrives

    /// Bytes have arrived on a stream, padding included.
    ///
    /// The connection's credit is given back at once: what one stream does not take must not hold up the others. What
    /// they may send is bounded by their own.
    func received(_ bytes: Int, on stream: Stream) {
        stream.inbound.received(bytes)
        owed += bytes
        guard owed >= limits.connectionCredit / 2 else { return }
        control(.windowUpdate(windowSizeIncrement: owed), on: .rootStream)
        owed = 0
    }

    /// Whether another message may be handed on: not while as many bytes wait as the stream may send.
    func handsOn(_ stream: Stream) -> Bool { stream.inbound.untakenBytes < limits.streamCredit }

    /// A message is handed on; false if there is no room for it, which only one that was compressed can find.
    func handsOn(_ bytes: Int, of stream: Stream) -> Bool {
        if bytes > limits.streamCredit, stream.inbound.room < bytes {
            guard room.take(bytes - stream.inbound.room) else { return false }
            stream.inbound.room = bytes
        }
        stream.inbound.handedOn(bytes)
        return true
    }

    /// The reader of a stream has the oldest message that was handed on.
    func taken(from stream: Stream) { giveBack(room: stream.inbound.taken()) }

    /// Gives a stream's sender credit for what has been taken, and has a large message wait for room.
    func settle(_ stream: Stream) {
        if let length = stream.state.arrivingBytes, length > limits.streamCredit, stream.inbound.room == 0,
            !stream.inbound.isWaitingForRoom
        {
            if room.take(length) {
                stream.inbound.room = length
            } else {
                stream.inbound.isWaitingForRoom = true
                room.wait(stream.streamID, length)
            }
        }
        guard !stream.hasReceivedEnd, !stream.isClosed,
            let credit = stream.inbound.giveBack(unread: stream.state.unreadBytes, credit: limits.streamCredit)
        else { return }
        control(.windowUpdate(windowSizeIncrement: credit), on: stream.id)
    }

    private func giveBack(room bytes: Int) {
        guard bytes > 0 else { return }
        room.give(bytes)
        while let id = room.next({ self[$0]?.inbound.isWaitingForRoom == true }), let stream = self[id] {
            stream.inbound.isWaitingForRoom = false
            stream.inbound.room = stream.state.arrivingBytes ?? 0
            settle(stream)
        }
    }
}
