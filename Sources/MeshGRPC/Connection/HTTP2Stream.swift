import MeshWire
import NIOCore
import NIOHTTP2

/// What a connection needs to know of a call's state machine, on either side.
protocol GRPCStreamState {
    /// Whether something waits to be written.
    var hasWrites: Bool { get }
    /// Whether a message's bytes come next, which the peer's window must have room for.
    var needsWindow: Bool { get }
    /// The bytes of messages that wait to be written.
    var queuedBytes: Int { get }
    /// The bytes that have arrived and belong to no message that has begun.
    var unreadBytes: Int { get }
    /// The length of the message that is arriving, as its sender has announced it.
    var arrivingBytes: Int? { get }
    /// The next thing to write, with at most `limit` bytes of a message.
    mutating func nextWrite(limit: Int) -> GRPCWrite?
}

extension GRPCClientStreamState: GRPCStreamState {}

/// A stream of a connection: its call, and what flow control knows of it.
///
/// Confined to the connection's event loop.
final class HTTP2Stream<State: GRPCStreamState, Call> {
    let id: HTTP2StreamID
    var state: State
    /// What the wire keeps of the call.
    var call: Call
    /// The bytes that the peer lets us send on the stream.
    var sendWindow: Int
    /// True while it waits in the connection's queue of streams that have something to write.
    var isQueued = false
    /// Its share of the connection's queued bytes.
    var countedBytes = 0
    /// True once a writer waits for the call to take messages again.
    var wantsRelief = false
    /// True once HTTP/2 knows the stream.
    var isCreated = false
    /// True once HTTP/2 knows the stream no more, though its events may not all have been read.
    var isClosed = false
    /// True once the peer has sent its last byte on the stream.
    var hasReceivedEnd = false
    var inbound = InboundFlow()

    init(_ id: HTTP2StreamID, _ state: State, _ call: Call, sendWindow: Int) {
        self.id = id
        self.state = state
        self.call = call
        self.sendWindow = sendWindow
    }

    /// The stream as calls know it.
    var streamID: StreamID { StreamID(rawValue: UInt32(Int(id))) }
}

/// What a stream has been sent and has not given back to its sender as credit.
struct InboundFlow {
    /// The bytes that arrived and were not given back.
    private(set) var owed = 0
    /// The messages that were handed on and have not been taken, and the room that each has.
    private var untaken = CircularBuffer<(bytes: Int, room: Int)>(initialCapacity: 2)
    /// Their bytes.
    private(set) var untakenBytes = 0
    /// The room that the arriving message has been given because it needs more credit than the stream has.
    var room = 0
    /// True while it waits for room, with its sender.
    var isWaitingForRoom = false

    mutating func received(_ bytes: Int) { owed += bytes }

    /// A message has been handed on.
    mutating func handedOn(_ bytes: Int) {
        untaken.append((bytes, room))
        untakenBytes += bytes
        room = 0
    }

    /// The oldest message has been taken; the answer is the room that it leaves.
    mutating func taken() -> Int {
        guard let (bytes, room) = untaken.popFirst() else { return 0 }
        untakenBytes -= bytes
        return room
    }

    /// What may be given back while `unread` bytes have not been looked at, if it is worth a frame.
    mutating func giveBack(unread: Int, credit: Int) -> Int? {
        guard !isWaitingForRoom else { return nil }
        let returnable = owed - unread - untakenBytes
        guard returnable > 0, returnable >= credit / 2 else { return nil }
        owed -= returnable
        return returnable
    }

    /// The stream is over; the answer is the room that it leaves.
    mutating func end() -> Int {
        defer {
            untaken.removeAll()
            (untakenBytes, room, isWaitingForRoom) = (0, 0, false)
        }
        return untaken.reduce(room) { $0 + $1.room }
    }
}
