import NIOCore

/// The memory of a connection for messages that need more credit than their streams have.
///
/// Those that find no room wait for it, first come, first served: a sender waits with its bytes instead of being refused.
package struct LargeMessageRoom {
    private var free: Int
    private var waiting = CircularBuffer<(stream: StreamID, bytes: Int)>()

    package init(bytes: Int) { free = bytes }

    /// Takes room if there is some and nobody waits for it.
    package mutating func take(_ bytes: Int) -> Bool {
        guard waiting.isEmpty, bytes <= free else { return false }
        free -= bytes
        return true
    }

    /// Has a stream wait for room.
    package mutating func wait(_ stream: StreamID, _ bytes: Int) { waiting.append((stream, bytes)) }

    /// Gives room back.
    package mutating func give(_ bytes: Int) { free += bytes }

    /// The first stream that waits, if there is room for it now: it has the room then. Those that `isWaiting` does not
    /// know any more are passed over.
    package mutating func next(_ isWaiting: (StreamID) -> Bool) -> StreamID? {
        while let first = waiting.first {
            guard isWaiting(first.stream) else {
                _ = waiting.popFirst()
                continue
            }
            guard first.bytes <= free else { return nil }
            free -= first.bytes
            _ = waiting.popFirst()
            return first.stream
        }
        return nil
    }
}
