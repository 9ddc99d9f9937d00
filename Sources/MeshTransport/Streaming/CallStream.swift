package import MeshWire
import NIOCore

/// The messages of one streaming call, between its wire and the task that reads and writes them: the same on either side.
///
/// What arrives waits here until it is read, and its sender is given credit when it is; what is sent waits with its writer
/// until the wire takes it. So neither side's memory grows with the number of messages.
///
/// Sendable: everything mutable is touched on the connection's event loop alone.
@safe package final class CallStream: @unchecked Sendable {
    /// How the messages ended.
    package enum End: Sendable {
        /// The peer sent its last; a client has the call's outcome, and the response of a call that has but one.
        case finished(ReplyHead, Payload)
        case failed(MeshError)
    }

    /// What a reader gets.
    package enum Arrival: Sendable {
        case message(Payload)
        case end(End)
    }

    package let executor: LoopExecutor
    private var wire: (any StreamWire)?
    private var stream = StreamID.connection
    private var arrived = CircularBuffer<Payload>()
    private var end: End?
    private var reader: UnsafeContinuation<Arrival, Never>?
    /// What the server has said before its first response.
    private(set) var responseMetadata: Metadata?
    /// What a server's interceptors want the caller to be told before that.
    private var leadingMetadata = Metadata()
    /// What a handler wants its caller to be told at the end.
    private(set) var trailers = Metadata()
    private var metadataReaders: [UnsafeContinuation<Void, Never>] = unsafe []
    private var endReaders: [UnsafeContinuation<Void, Never>] = unsafe []
    /// Writers that wait for room, in the order in which they came.
    private var writers = CircularBuffer<Writer>()
    private var takesNoMore = false
    /// Counts the messages that have arrived and been written. On the event loop.
    private(set) var activity = 0
    /// The bytes of the messages that have arrived, and of those that were written. On the event loop.
    private(set) var arrivedBytes = 0
    private(set) var writtenBytes = 0
    /// Called once, when the first message or the server's metadata arrives, or the first message is written, on the
    /// event loop.
    var onFirstArrival: (() -> Void)?
    var onFirstWrite: (() -> Void)?
    /// Called once, with how the messages ended, on the event loop.
    package var onEnd: ((End) -> Void)?
    /// What a wire calls when nobody waits for what this side sends any more, though the other may have ended; on the event
    /// loop.
    package var onAbort: (() -> Void)?

    @safe private struct Writer {
        let payload: Payload
        let continuation: UnsafeContinuation<MeshError?, Never>
    }

    package init(_ executor: LoopExecutor) {
        self.executor = executor
    }

    // MARK: The wire's side, on the event loop

    /// Joins a call on a wire: what is written leaves there.
    package func attach(to wire: any StreamWire, _ stream: StreamID) {
        self.wire = wire
        self.stream = stream
    }

    /// Whether the call is over for its reader.
    package var isOver: Bool { end != nil }

    /// A message has arrived.
    package func deliver(_ payload: Payload) {
        guard end == nil else { return }
        activity &+= 1
        arrivedBytes += payload.count
        arrives()
        guard let waiting = unsafe reader else {
            arrived.append(payload)
            return releaseMetadataReaders()
        }
        unsafe reader = nil
        wire?.taken(from: stream)
        unsafe waiting.resume(returning: .message(payload))
    }

    /// The server has said something of the call before its first response.
    package func deliver(_ metadata: Metadata) {
        responseMetadata = responseMetadata ?? metadata
        arrives()
        releaseMetadataReaders()
    }

    private func arrives() {
        guard let body = onFirstArrival else { return }
        onFirstArrival = nil
        body()
    }

    /// No more messages follow; those that wait can still be read, unless the call has failed.
    package func finish(_ end: End) {
        guard self.end == nil else { return }
        self.end = end
        if case .failed = end { arrived.removeAll() }
        releaseMetadataReaders()
        while let waiting = unsafe endReaders.popLast() { unsafe waiting.resume() }
        if case .failed(let error) = end { release(error) }
        if case .finished(_, let payload) = end {
            arrivedBytes += payload.count
            arrives()
        } else {
            onFirstWrite = nil
        }
        onFirstArrival = nil
        onEnd?(end)
        onEnd = nil
        guard let waiting = unsafe reader else { return }
        unsafe reader = nil
        unsafe waiting.resume(returning: .end(end))
    }

    /// The call takes no more messages of this side, whatever still arrives.
    package func stopWriting(_ error: MeshError) {
        takesNoMore = true
        wire = nil
        onFirstWrite = nil
        release(error)
    }

    /// The wire takes messages again.
    package func relieved() {
        while let wire, let writer = writers.first, wire.takesMessages(of: stream) {
            _ = writers.popFirst()
            unsafe writer.continuation.resume(returning: write(writer.payload, on: wire))
        }
    }

    private func release(_ error: MeshError) {
        let waiting = writers
        writers.removeAll()
        for writer in waiting { unsafe writer.continuation.resume(returning: error) }
    }

    private func releaseMetadataReaders() {
        while let waiting = unsafe metadataReaders.popLast() { unsafe waiting.resume() }
    }

    // MARK: The task's side, from any thread

    /// The next message, or how they ended; again and again once they have. One task reads.
    package func next() async -> Arrival {
        // Most messages wait already when a task on the loop asks.
        if executor.eventLoop.inEventLoop, let arrival = take() { return arrival }
        return await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { continuation in
                onLoop {
                    if let arrival = self.take() { return unsafe continuation.resume(returning: arrival) }
                    precondition(unsafe self.reader == nil, "two tasks read the messages of one call")
                    unsafe self.reader = continuation
                }
            }
        } onCancel: {
            onLoop { self.abandon(MeshError(.cancelled, "the reader's task was cancelled", progress: .mayHaveRun)) }
        }
    }

    /// Sends a message; returns when the wire has taken it, so that a writer is no faster than its reader.
    package func send(_ payload: Payload) async throws(MeshError) {
        let error: MeshError? = await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { continuation in
                onLoop { unsafe self.send(payload, continuation) }
            }
        } onCancel: {
            onLoop { self.abandon(MeshError(.cancelled, "the writer's task was cancelled", progress: .mayHaveRun)) }
        }
        if let error { throw error }
    }

    /// Says something of the call before its first response, on the server's side.
    package func send(_ metadata: Metadata) {
        onLoop { self.wire?.send(self.takeLeadingMetadata() + metadata, on: self.stream) }
    }

    /// Adds to what the caller is told before the first response. On the event loop, before the handler starts.
    func lead(with metadata: Metadata) { leadingMetadata = metadata }

    /// What is yet to be said before the first response. On the event loop.
    func takeLeadingMetadata() -> Metadata {
        guard !leadingMetadata.isEmpty else { return leadingMetadata }
        defer { leadingMetadata = Metadata() }
        return leadingMetadata
    }

    /// What the server said before and after the responses, as far as it has.
    func said() async -> (before: Metadata, after: Metadata) {
        await read {
            guard case .finished(let head, _)? = self.end else {
                return (self.responseMetadata ?? Metadata(), Metadata())
            }
            return (self.responseMetadata ?? Metadata(), head.metadata)
        }
    }

    /// The bytes of the messages that have arrived and been written, from any thread.
    func carried() async -> (arrived: Int, written: Int) { await read { (self.arrivedBytes, self.writtenBytes) } }

    /// Says what the caller is told at the end of the call, on the server's side.
    package func setTrailers(_ trailers: Metadata) {
        onLoop { self.trailers = trailers }
    }

    /// Says that no more messages follow from this side.
    package func endRequests() {
        onLoop {
            guard !self.takesNoMore else { return }
            self.takesNoMore = true
            self.wire?.endRequests(of: self.stream)
        }
    }

    /// What the server said before its first response; waits for it, or for the end.
    package func metadata() async -> Metadata {
        await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            onLoop {
                if self.responseMetadata != nil || self.end != nil || !self.arrived.isEmpty {
                    return unsafe continuation.resume()
                }
                unsafe self.metadataReaders.append(continuation)
            }
        }
        return await read { self.responseMetadata ?? Metadata() }
    }

    /// What the server said at the end of a call that succeeded; waits for the end, whether or not the responses before it
    /// have been read.
    func receivedTrailers() async -> Metadata {
        await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            onLoop {
                if self.end != nil { return unsafe continuation.resume() }
                unsafe self.endReaders.append(continuation)
            }
        }
        return await said().after
    }

    /// Waits until a message, the server's metadata or the end is there.
    ///
    /// - Returns: the end, if nothing has come before it.
    package func first() async -> End? {
        _ = await metadata()
        return await read { self.arrived.isEmpty && self.responseMetadata == nil ? self.end : nil }
    }

    /// Gives the call up from this side, on the event loop or off it; does nothing if it is over.
    package func cancel(_ error: MeshError) { onLoop { self.abandon(error) } }

    private func abandon(_ error: MeshError) {
        guard let wire else { return finish(.failed(error)) }
        self.wire = nil
        takesNoMore = true
        finish(.failed(error))
        release(error)
        wire.withdraw(stream)
    }

    @unsafe
    private func send(_ payload: Payload, _ continuation: UnsafeContinuation<MeshError?, Never>) {
        if case .failed(let error)? = end { return unsafe continuation.resume(returning: error) }
        guard let wire, !takesNoMore else {
            let error = MeshError(.draining, "the call takes no more messages", progress: .answered)
            return unsafe continuation.resume(returning: error)
        }
        // Behind those that wait already.
        guard writers.isEmpty, wire.takesMessages(of: stream) else {
            return unsafe writers.append(Writer(payload: payload, continuation: continuation))
        }
        unsafe continuation.resume(returning: write(payload, on: wire))
    }

    private func write(_ payload: Payload, on wire: any StreamWire) -> MeshError? {
        activity &+= 1
        writtenBytes += payload.count
        if let body = onFirstWrite {
            onFirstWrite = nil
            body()
        }
        if !leadingMetadata.isEmpty { wire.send(takeLeadingMetadata(), on: stream) }
        do throws(WireError) {
            try wire.send(payload, on: stream)
            return nil
        } catch {
            return MeshError(.callTooLarge, error.message, progress: .mayHaveRun, cause: error)
        }
    }

    private func take() -> Arrival? {
        if let payload = arrived.popFirst() {
            wire?.taken(from: stream)
            return .message(payload)
        }
        return end.map { .end($0) }
    }

    private func read<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        if executor.eventLoop.inEventLoop { return body() }
        return await unsafe withUnsafeContinuation { continuation in
            executor.eventLoop.execute { unsafe continuation.resume(returning: body()) }
        }
    }

    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if executor.eventLoop.inEventLoop { body() } else { executor.eventLoop.execute(body) }
    }
}
