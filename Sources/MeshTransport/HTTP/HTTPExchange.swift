package import MeshWire
package import NIOCore

/// A header field of plain HTTP; its name is in lower case.
package struct HTTPHeaderField: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The head of a request of plain HTTP, on a wire that has several at a time.
package struct HTTPRequestHead: Sendable, Hashable {
    package var method: String
    /// Path and query.
    package var target: String
    package var authority: String
    package var scheme: String
    package var fields: [HTTPHeaderField]

    package init(
        method: String, target: String, authority: String, scheme: String, fields: [HTTPHeaderField]
    ) {
        self.method = method
        self.target = target
        self.authority = authority
        self.scheme = scheme
        self.fields = fields
    }
}

/// What a wire does for its requests of plain HTTP beside what it does for calls. Called on the connection's event loop.
package protocol HTTPStreamWire: StreamWire, Sendable {
    /// Sends the head of an answer, and its end with it if there is no more.
    func respond(_ status: Int, _ fields: [HTTPHeaderField], isWhole: Bool, to stream: StreamID)
    /// Ends an answer.
    func finishResponse(to stream: StreamID)
}

/// A request of plain HTTP and its answer, on one stream of a connection that has several.
///
/// Parts of the body wait until they are read, and their sender is given credit when they are; parts of the answer wait
/// with their writer until the wire takes them. Any thread's; one task reads and writes.
package final class HTTPExchange: Sendable {
    package let request: HTTPRequestHead
    private let messages: CallStream
    private let wire: any HTTPStreamWire
    private let stream: StreamID

    /// An exchange on `stream` of `wire`, which gives `messages` the body's parts.
    package init(_ request: HTTPRequestHead, _ messages: CallStream, on wire: any HTTPStreamWire, _ stream: StreamID) {
        self.request = request
        self.messages = messages
        self.wire = wire
        self.stream = stream
    }

    package var eventLoop: any EventLoop { messages.executor.eventLoop }

    /// Calls `body` if the answer is given up before it is whole: by the peer, with the connection, or by ``abort(_:)``. On
    /// the event loop, before anything is read.
    package func whenAborted(_ body: @escaping @Sendable () -> Void) {
        messages.onAbort = body
    }

    /// The next part of the request's body; `nil` at its end. Throws when the peer has given the request up.
    package func nextPart() async throws(MeshError) -> ByteBuffer? {
        switch await messages.next() {
        case .message(let payload): return payload.head
        case .end(.finished): return nil
        case .end(.failed(let error)): throw error
        }
    }

    /// Sends the answer's head.
    package func respond(_ status: Int, _ fields: [HTTPHeaderField], isWhole: Bool) {
        onLoop { self.wire.respond(status, fields, isWhole: isWhole, to: self.stream) }
    }

    /// Sends the next part of the answer's body; returns when the wire has taken it.
    package func write(_ part: ByteBuffer) async throws(MeshError) { try await messages.send(Payload(head: part)) }

    /// Ends the answer.
    package func finish() { onLoop { self.wire.finishResponse(to: self.stream) } }

    /// Gives the exchange up; its peer is told.
    package func abort(_ reason: String) { messages.cancel(MeshError(.cancelled, reason, progress: .mayHaveRun)) }

    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if eventLoop.inEventLoop { body() } else { eventLoop.execute(body) }
    }
}

/// An HTTP front end that also answers the requests of wires that have several on a connection.
package protocol HTTPExchangeAcceptor: HTTPAcceptor {
    /// Answers a request, on its connection's event loop until it waits for something.
    func accept(_ exchange: HTTPExchange, _ connection: ConnectionInfo, gate: HTTPGate)
}
