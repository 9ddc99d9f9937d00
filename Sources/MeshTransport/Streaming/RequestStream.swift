public import MeshWire

/// The requests of a call that streams them, as they arrive, in a handler.
///
/// Read it once, from one task. A slow reader slows the caller down: no more than ``WireLimits/streamCredit`` bytes wait
/// for it.
public struct RequestStream<Message: MeshMessage>: AsyncSequence, Sendable {
    /// A request.
    public typealias Element = Message
    /// What reading throws.
    public typealias Failure = CallFailure

    private let stream: CallStream

    init(_ stream: CallStream) { self.stream = stream }

    /// Starts to read.
    public func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

    /// Reads the requests.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let stream: CallStream

        /// The next request, or `nil` after the last.
        ///
        /// - Throws: ``CallFailure`` when the caller gives up (`cancelled`) or sends what is no such message
        ///   (`invalidArgument`): a handler passes both on.
        public mutating func next() async throws(CallFailure) -> Message? {
            try await next(isolation: nil)
        }

        /// The next request, or `nil` after the last.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(CallFailure) -> Message? {
            switch await stream.next() {
            case .message(let payload):
                // The handler runs, whatever the request is.
                return try payload.request(hasNotRun: false)
            case .end(.finished):
                return nil
            case .end(.failed(let error)):
                throw CallFailure(.cancelled, error.message)
            }
        }
    }
}

/// Sends the responses of a call that streams them.
public struct ResponseSender<Message: MeshMessage>: Sendable {
    private let stream: CallStream

    init(_ stream: CallStream) { self.stream = stream }

    /// Says something of the call before its first response, once.
    public func send(metadata: Metadata) { stream.send(metadata) }

    /// Says what the caller is told at the end of the call, whether it succeeds or not.
    public func setTrailers(_ trailers: Metadata) { stream.setTrailers(trailers) }

    /// Sends a response; returns when the connection has taken it, so that a slow caller slows the handler down.
    ///
    /// - Throws: ``CallFailure`` when the caller has given up, or the message is over this side's limits: a handler
    ///   passes both on.
    public func send(_ message: Message) async throws(CallFailure) {
        do throws(MeshError) {
            try await stream.send(Payload(message))
        } catch {
            throw CallFailure(error.code == .callTooLarge ? .resourceExhausted : .cancelled, error.message)
        }
    }
}

extension Payload {
    /// The request that it is, or what its caller is told; of a call's only request it is told that nothing has run.
    func request<Request: MeshMessage>(hasNotRun: Bool = true) throws(CallFailure) -> Request {
        do throws(WireError) {
            return try decode()
        } catch {
            throw CallFailure(.invalidArgument, "\(Request.messageName): \(error.message)", hasNotRun: hasNotRun)
        }
    }
}
