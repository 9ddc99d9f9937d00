public import MeshWire

/// The responses of a call that streams them, as they arrive.
///
/// Read it once, from one task. A slow reader slows the server down: no more than ``WireLimits/streamCredit`` bytes wait
/// for it.
public struct ResponseStream<Message: MeshMessage>: AsyncSequence, Sendable {
    /// A response.
    public typealias Element = Message
    /// What reading throws.
    public typealias Failure = MeshError

    private let call: ClientStreamCall

    init(_ call: ClientStreamCall) { self.call = call }

    /// Starts to read.
    public func makeAsyncIterator() -> Iterator { Iterator(call: call) }

    /// What the server says of the call before its first response; waits until that or a response is there.
    public func metadata() async -> Metadata { await call.stream.metadata() }

    /// What the server says at the end of the call; waits for it. Empty for a call that has failed, whose error has it
    /// (``MeshError/trailers``).
    public func trailers() async -> Metadata { await call.stream.receivedTrailers() }

    /// Reads the responses.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let call: ClientStreamCall

        /// The next response, or `nil` after the last of a call that succeeded.
        ///
        /// - Throws: ``MeshError`` with code `status` when the server answered with another status than `ok`.
        public mutating func next() async throws(MeshError) -> Message? {
            try await next(isolation: nil)
        }

        /// The next response, or `nil` after the last of a call that succeeded.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MeshError) -> Message? {
            try await call.next()
        }
    }
}

/// Sends the requests of a call that streams them.
public struct RequestSender<Message: MeshMessage>: Sendable {
    private let call: ClientStreamCall

    init(_ call: ClientStreamCall) { self.call = call }

    /// Sends a request; returns when the connection has taken it, so that a slow server slows its caller down.
    ///
    /// - Throws: a ``MeshError`` when the call has ended, which the call itself throws as well.
    public func send(_ message: Message) async throws(MeshError) { try await call.send(message) }

    /// Says that no more requests follow; the call says it by itself when its body returns.
    public func finish() { call.stream.endRequests() }
}
