public import MeshWire

extension Mesh {
    /// Answers calls of `method` with `handler`.
    ///
    /// - Parameters:
    ///   - execution: where the handler runs; default a task of the runtime's pool.
    ///   - deduplicated: who sees to it that a deduplicated method's call runs once; default the mesh, which then runs the
    ///     handler to its end whether its caller waits or not.
    ///   - handler: may throw a ``CallFailure`` to answer with a status; other errors are logged and answered with
    ///     ``CallStatus/unknown``. Its task is cancelled when the caller gives up and when the deadline passes.
    public func serve<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, execution: HandlerExecution = .task,
        deduplicated: DeduplicatedBy = .mesh,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) {
        register(method, on: execution, deduplicated) { request, call in
            Reply(payload: Payload(try await handler(request, call)))
        }
    }

    /// Answers calls of `method` with `handler`, which says more than the response: metadata before it and after it.
    public func serveAnswer<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, execution: HandlerExecution = .task,
        deduplicated: DeduplicatedBy = .mesh,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Answer<Response>
    ) {
        register(method, on: execution, deduplicated) { request, call in Reply(try await handler(request, call)) }
    }

    private func register<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>, on execution: HandlerExecution, _ deduplicated: DeduplicatedBy,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Reply
    ) {
        let plain = ServedMethod.Handler.task(on: execution, handler)
        guard method.retry == .deduplicated, case .task(_, let run) = plain else { return register(method, plain) }
        guard deduplicated == .mesh else {
            // Shares no store, whatever the mesh's own methods do.
            let own = OwnLedgerHandler(instance: instance, handler: run)
            return register(method, .task(execution) { payload, call in await own(payload, call) })
        }
        let once = DeduplicatedHandler(store: deduplicationStore, execution: execution, handler: run)
        // Waits for the copy that runs, wherever that is.
        register(method, .task(.task) { payload, call in await once(payload, call) })
    }

    /// Answers calls of `method` with a handler that waits for nothing: it runs on the connection's event loop, while
    /// the call is read and without a task of its own.
    ///
    /// For look-ups and counters. A handler that needs more than about 20 µs delays every connection of the loop; give
    /// it to ``serve(_:execution:_:)`` instead. It cannot be cancelled. On a mesh with an ``AsyncServerInterceptor`` it
    /// runs in a task on the event loop, as others do.
    ///
    /// - Parameter handler: may throw a ``CallFailure`` to answer with a status; other errors are logged and answered
    ///   with ``CallStatus/unknown``.
    public func serveInline<Request: MeshMessage, Response: MeshMessage>(
        _ method: UnaryMethod<Request, Response>,
        _ handler: @escaping @Sendable (Request, CallContext) throws -> Response
    ) {
        precondition(
            method.retry != .deduplicated,
            "\(method.path) is deduplicated: its calls may have to wait for an earlier copy; use serve")
        register(method, .inline(handler))
    }

    /// Answers calls of `method` with any number of responses.
    ///
    /// ```swift
    /// mesh.serve(Prices.watch) { query, prices, call in
    ///     for await price in feed.prices(of: query.name) { try await prices.send(price) }
    /// }
    /// ```
    /// - Parameters:
    ///   - execution: where the handler runs; default a task of the runtime's pool.
    ///   - handler: the call ends when it returns, with `ok`, or throws, with the error's status.
    public func serve<Request: MeshMessage, Response: MeshMessage>(
        _ method: ServerStreamingMethod<Request, Response>, execution: HandlerExecution = .task,
        _ handler: @escaping @Sendable (Request, ResponseSender<Response>, CallContext) async throws -> Void
    ) {
        register(
            method,
            .streaming(on: execution) { stream, call in
                guard case .message(let payload) = await stream.next() else {
                    throw CallFailure(.cancelled, "the caller gave the call up")
                }
                try await handler(try payload.request(), ResponseSender(stream), call)
                return Reply()
            })
    }

    /// Answers calls of `method`, which have any number of requests, with one response.
    ///
    /// ```swift
    /// mesh.serve(Uploads.add) { pieces, call in
    ///     var size = 0
    ///     for try await piece in pieces { size += piece.bytes.count }
    ///     return Receipt(size: size)
    /// }
    /// ```
    public func serve<Request: MeshMessage, Response: MeshMessage>(
        _ method: ClientStreamingMethod<Request, Response>, execution: HandlerExecution = .task,
        _ handler: @escaping @Sendable (RequestStream<Request>, CallContext) async throws -> Response
    ) {
        register(
            method,
            .streaming(on: execution) { stream, call in
                Reply(payload: Payload(try await handler(RequestStream(stream), call)))
            })
    }

    /// Answers calls of `method`, which have any number of requests and responses.
    public func serve<Request: MeshMessage, Response: MeshMessage>(
        _ method: BidirectionalMethod<Request, Response>, execution: HandlerExecution = .task,
        _ handler:
            @escaping @Sendable (RequestStream<Request>, ResponseSender<Response>, CallContext) async throws ->
            Void
    ) {
        register(
            method,
            .streaming(on: execution) { stream, call in
                try await handler(RequestStream(stream), ResponseSender(stream), call)
                return Reply()
            })
    }
}
