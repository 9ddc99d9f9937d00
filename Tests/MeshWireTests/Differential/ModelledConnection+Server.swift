import MeshWire
import NIOCore
import TestSupport

/// What the server does, and what it is told.
extension ModelledConnection {
    mutating func reply() {
        if let stream = anyCall({ $0.service == .running }) { reply(to: stream) }
    }

    mutating func reply(to stream: StreamID) {
        guard let call = calls[stream] else { return }
        let payload = call.kind.streamsResponses ? Payload() : payload()
        let isSendable = (try? payload.layout.totalBytes(within: serverSide.limits)) != nil
        let answer = message(payload, for: clientSide)
        calls[stream]?.reply = (answer, isSendable)
        serverOver(stream, .replied)
        server.reply(to: stream, metadata: ["trailer": "\(stream)"], details: [1, 2], payload: payload)
    }

    mutating func sendResponse() throws {
        guard let stream = anyCall({ $0.service == .running && $0.kind.streamsResponses }), let call = calls[stream]
        else { return }
        if call.metadata == nil, call.responses.isEmpty, generator.next() % 2 == 0 {
            calls[stream]?.metadata = ["hello": "\(stream)"]
            server.send(["hello": "\(stream)"], on: stream)
        }
        guard server.takesResponses(of: stream) else {
            serverSide.full.insert(stream)
            return
        }
        try require(!serverSide.full.contains(stream), "\(stream) takes responses again, and nobody was told")
        let payload = payload()
        do throws(WireError) { try server.send(payload, on: stream) } catch { return }
        let sent = message(payload, for: clientSide)
        calls[stream]?.responses.append(sent)
    }

    mutating func takeByServer() {
        guard !serverSide.untaken.isEmpty else { return }
        let (stream, bytes) = serverSide.untaken.remove(at: Int(generator.next() % UInt64(serverSide.untaken.count)))
        serverSide.held[stream]? -= bytes
        server.taken(from: stream)
    }

    mutating func goAway() {
        // Before it has read the hello it says so without a checksum, and nobody could notice a change of that.
        guard lastTaken == nil, fate != .corrupted || serverSide.isEstablished else { return }
        // Those that a frame for has arrived: a refused one is taken as well.
        lastTaken = lastArrived
        server.goAway(reason: "restart")
    }

    mutating func deliverToServer(_ bytes: ByteBuffer) throws {
        let frames = try enterAtServer(bytes)
        for frame in frames where frame.kind == FrameKind.request.rawValue {
            lastArrived = max(lastArrived, StreamID(rawValue: frame.stream))
        }
        server.receive(bytes)
        while let event = try nextServerEvent() { try told(event) }
        // One that was not taken, or refused by its head.
        for frame in frames where calls[StreamID(rawValue: frame.stream)]?.service == .unseen {
            serverSide.held[StreamID(rawValue: frame.stream)] = nil
        }
    }

    /// The next event, or `nil` if there is none; only a changed byte may end the connection.
    private mutating func nextServerEvent() throws -> ServerConnectionState.Event? {
        do throws(WireError) {
            return try server.nextEvent()
        } catch {
            try require(serverSide.isCorrupted, "the server ends the connection: \(error)")
            isBroken = true
            return nil
        }
    }

    mutating func told(_ event: ServerConnectionState.Event) throws {
        switch event {
        case .established(let hello):
            try require(!serverSide.isEstablished, "a second hello")
            try require(hello.instance == InstanceID(high: 1, low: 1), "the client is \(hello.instance)")
            serverSide.isEstablished = true
        case .declared(let declaration):
            try require(declaration.responseName == "a.R" && declaration.number <= 12, "\(declaration) was declared")
        case .pong(let value):
            try require(serverSide.pings.first == value, "a pong of \(value)")
            serverSide.pings.removeFirst()
        case .announced(let stream, let head):
            try begin(stream, head, as: .announced)
            guard generator.next() % 8 == 0 else { return }
            serverOver(stream, .refused)
            server.refuse(stream, status: .permissionDenied, message: "no")
        case .held(let stream, let head):
            if calls[stream]?.service == .announced { calls[stream]?.service = .unseen }
            try begin(stream, head, as: .held)
            guard generator.next() % 8 == 0 else { return }
            serverOver(stream, .refused)
            server.refuse(stream, status: .deadlineExceeded, message: "late")
        case .call(let stream, let head, let payload):
            if [.announced, .held].contains(calls[stream]?.service) { calls[stream]?.service = .unseen }
            let call = try begin(stream, head, as: .running)
            try require(!call.kind.streamsRequests && payload.content == call.requests[0].content, "call \(stream)")
            calls[stream]?.requestsSeen = 1
            serverSide.held[stream] = nil
        case .opened(let stream, let head):
            if calls[stream]?.service == .held { calls[stream]?.service = .unseen }
            let call = try begin(stream, head, as: .running)
            try require(call.kind.streamsRequests, "\(stream) was opened")
        case .message(let stream, let payload):
            let call = try runningCall(stream)
            try require(call.kind.streamsRequests && call.requestsSeen < call.requests.count, "a request on \(stream)")
            let expected = call.requests[call.requestsSeen]
            try require(expected.fits && expected.content == payload.content, "another request on \(stream)")
            try require(!call.requestsEndSeen, "a request after the last on \(stream)")
            calls[stream]?.requestsSeen += 1
            serverSide.untaken.append((stream, payload.count))
        case .requestsEnded(let stream):
            let call = try runningCall(stream)
            try require(
                call.requestsEnded && call.requestsSeen == call.requests.count, "\(stream) has no more requests")
            try require(!call.requestsEndSeen, "the requests of \(stream) end twice")
            calls[stream]?.requestsEndSeen = true
        case .cancelled(let stream):
            // One that is not complete: its caller gave up, or there is no room for the rest.
            if let waiting = calls[stream], [.announced, .held, .unseen].contains(waiting.service) {
                return serverOver(stream, waiting.end == nil ? .refused : .cancelled)
            }
            let call = try runningCall(stream)
            // Also where a request was over a limit.
            let isOver = call.requests.dropFirst(call.requestsSeen).first?.fits == false
            try require(call.end != nil || isOver, "\(stream) was cancelled")
            serverOver(stream, call.end == nil ? .refused : .cancelled)
        }
    }

    @discardableResult
    private mutating func begin(
        _ stream: StreamID, _ head: CallHead, as service: CallModel.Service
    ) throws -> CallModel {
        guard let call = calls[stream], call.service == .unseen else {
            throw Divergence(description: "\(stream) begins on the server, twice or without a client")
        }
        let said = call.head
        try require(
            head.timeRemaining == said.timeRemaining && head.deduplication == said.deduplication
                && head.metadata == said.metadata && head.priority == said.priority, "another head on \(stream)")
        try require(lastTaken.map { stream <= $0 } ?? true, "\(stream) was taken after the server went away")
        try require(
            call.requests.first?.fits ?? true || call.kind.streamsRequests, "\(stream) is over a limit and begins")
        calls[stream]?.service = service
        return call
    }

    private func runningCall(_ stream: StreamID) throws -> CallModel {
        guard let call = calls[stream], call.service == .running else {
            throw Divergence(description: "the server is told of \(stream), which does not run")
        }
        return call
    }

    private mutating func serverOver(_ stream: StreamID, _ service: CallModel.Service) {
        calls[stream]?.service = service
        serverSide.untaken.removeAll { $0.stream == stream }
        serverSide.held[stream] = nil
        serverSide.full.remove(stream)
    }
}
