public import MeshWire

extension MeshClient {
    /// Calls a method and reads its responses in `body`; the call ends when `body` returns.
    ///
    /// ```swift
    /// try await client.call(Prices.watch, query) { prices in
    ///     for try await price in prices { show(price) }
    /// }
    /// ```
    /// - Parameters:
    ///   - timeout: how long the call may take in all; ``MeshConfiguration/callTimeout`` if `nil`.
    ///   - metadata: what travels with the call.
    ///   - priority: which of a connection's responses leave first, where there are more than it takes (not over gRPC), and
    ///     which calls have their turn first where the destination has a limit (``AdmissionPolicy``).
    ///   - lane: which of the client's connections it goes on; ``CallLane/bulk`` for a call that streams much in small
    ///     messages, as nobody can know that by their sizes.
    ///   - body: is called when the first response, or the end, has arrived.
    /// - Throws: a ``MeshError`` that says how far the call came, or what `body` throws.
    public func call<Request: MeshMessage, Response: MeshMessage, Result>(
        _ method: ServerStreamingMethod<Request, Response>, _ request: Request, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), priority: CallPriority = .normal, lane: CallLane = .automatic,
        affinity: String? = nil,
        _ body: (ResponseStream<Response>) async throws -> Result
    ) async throws -> Result {
        let stack = try self.stack(method, Payload(request), metadata, priority, lane, affinity)
        return try await stack.stream(timeout: timeout ?? stack.callTimeout) { call in
            try await body(ResponseStream(call))
        }
    }

    /// Calls a method whose requests `body` sends, and returns its response.
    ///
    /// ```swift
    /// let receipt = try await client.call(Uploads.add) { upload in
    ///     for piece in pieces { try await upload.send(piece) }
    /// }
    /// ```
    /// - Parameter body: sends the requests; the last one has been sent when it returns. What it throws ends the call.
    public func call<Request: MeshMessage, Response: MeshMessage>(
        _ method: ClientStreamingMethod<Request, Response>, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), priority: CallPriority = .normal, lane: CallLane = .automatic,
        affinity: String? = nil,
        _ body: (RequestSender<Request>) async throws -> Void
    ) async throws -> Response {
        try await answer(
            method, timeout: timeout, metadata: metadata, priority: priority, lane: lane, affinity: affinity, body
        ).message
    }

    /// Calls a method whose requests `body` sends, and returns its response with what the server says beside it.
    public func answer<Request: MeshMessage, Response: MeshMessage>(
        _ method: ClientStreamingMethod<Request, Response>, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), priority: CallPriority = .normal, lane: CallLane = .automatic,
        affinity: String? = nil,
        _ body: (RequestSender<Request>) async throws -> Void
    ) async throws -> Answer<Response> {
        let stack = try self.stack(method, Payload(), metadata, priority, lane, affinity)
        return try await stack.stream(timeout: timeout ?? stack.callTimeout) { call in
            do {
                try await body(RequestSender(call))
            } catch let error as MeshError {
                // A server may answer before it has all requests: the answer says why no more were taken.
                guard error.progress == .answered else { throw error }
            }
            call.stream.endRequests()
            let response: Response = try await call.response()
            let said = await call.stream.said()
            return Answer(response, metadata: said.before, trailers: said.after)
        }
    }

    /// Calls a method whose requests `body` sends while it reads the responses; the call ends when `body` returns.
    public func call<Request: MeshMessage, Response: MeshMessage, Result>(
        _ method: BidirectionalMethod<Request, Response>, timeout: Duration? = nil,
        metadata: Metadata = Metadata(), priority: CallPriority = .normal, lane: CallLane = .automatic,
        affinity: String? = nil,
        _ body: (RequestSender<Request>, ResponseStream<Response>) async throws -> Result
    ) async throws -> Result {
        let stack = try self.stack(method, Payload(), metadata, priority, lane, affinity)
        return try await stack.stream(timeout: timeout ?? stack.callTimeout) { call in
            try await body(RequestSender(call), ResponseStream(call))
        }
    }
}
