import MeshWire
import NIOCore
import TestSupport

/// What the client does, and what it is told.
extension ModelledConnection {
    mutating func open() throws {
        guard client.takesCalls else { return }
        let kinds = CallKind.allCases.filter { client.takes($0) }
        try require(kinds.count == (features.contains(.streams) ? 4 : 1), "the client takes calls of \(kinds)")
        let kind = kinds[Int(generator.next() % UInt64(kinds.count))]
        let payload = kind.streamsRequests ? Payload() : payload()
        let number = methods.number(of: "test.Service/\(generator.next() % 3)", "a.Q", kind: kind, in: &client)
        var deduplication: Deduplication?
        if generator.next() % 4 == 0 {
            let entry = Deduplication.Entry(scope: 0, sequence: generator.next(), acknowledgedThrough: 5)
            deduplication = Deduplication(session: SessionID(high: 1, low: generator.next()), entries: [entry])
        }
        let head = CallHead(
            method: number, timeRemaining: .microseconds(Int64(generator.next() >> 20)), deduplication: deduplication,
            metadata: ["key": "\(generator.next())"], layout: payload.layout,
            priority: CallPriority.allCases[Int(generator.next() % 3)])
        let opened = client.open(
            number, timeRemaining: head.timeRemaining, deduplication: deduplication, metadata: head.metadata,
            priority: head.priority, payload: payload)
        guard let stream = opened, calls[stream] == nil else {
            throw Divergence(description: "a connection that takes calls opened \(opened.map { "\($0)" } ?? "none")")
        }
        let requests = kind.streamsRequests ? [] : [message(payload, for: serverSide)]
        calls[stream] = CallModel(kind: kind, head: head, requests: requests)
    }

    mutating func sendRequest() throws {
        guard let stream = anyCall({ $0.isOpen && $0.kind.streamsRequests && !$0.requestsEnded }) else { return }
        guard client.takesRequests(of: stream) else {
            clientSide.full.insert(stream)
            return
        }
        try require(!clientSide.full.contains(stream), "\(stream) takes requests again, and nobody was told")
        let payload = payload()
        // One over a limit is refused on this side, and the call goes on.
        do throws(WireError) { try client.send(payload, on: stream) } catch { return }
        let sent = message(payload, for: serverSide)
        calls[stream]?.requests.append(sent)
    }

    mutating func endRequests() {
        if let stream = anyCall({ $0.isOpen && $0.kind.streamsRequests && !$0.requestsEnded }) {
            endRequests(of: stream)
        }
    }

    mutating func endRequests(of stream: StreamID) {
        guard let call = calls[stream], call.isOpen, call.kind.streamsRequests, !call.requestsEnded else { return }
        calls[stream]?.requestsEnded = true
        client.endRequests(of: stream)
    }

    mutating func cancel() {
        guard let stream = anyCall({ $0.isOpen }) else { return }
        over(stream, .cancelled)
        client.cancel(stream)
    }

    mutating func takeByClient() {
        guard !clientSide.untaken.isEmpty else { return }
        let (stream, bytes) = clientSide.untaken.remove(at: Int(generator.next() % UInt64(clientSide.untaken.count)))
        clientSide.held[stream]? -= bytes
        client.taken(from: stream)
    }

    mutating func ping() throws {
        guard clientSide.isEstablished, serverSide.isEstablished else { return }
        let value = generator.next()
        let isKnown = features.contains(.ping)
        if generator.next() % 2 == 0 {
            try require(
                client.ping(value) == isKnown, "the client asked a server that \(isKnown ? "answers" : "cannot")")
            if isKnown { clientSide.pings.append(value) }
        } else {
            try require(
                server.ping(value) == isKnown, "the server asked a client that \(isKnown ? "answers" : "cannot")")
            if isKnown { serverSide.pings.append(value) }
        }
    }

    mutating func deliverToClient(_ bytes: ByteBuffer) throws {
        try enterAtClient(bytes)
        client.receive(bytes)
        while let event = try nextClientEvent() { try told(event) }
    }

    /// The next event, or `nil` if there is none; only a changed byte may end the connection.
    private mutating func nextClientEvent() throws -> ClientConnectionState.Event? {
        do throws(WireError) {
            return try client.nextEvent()
        } catch {
            try require(clientSide.isCorrupted, "the client ends the connection: \(error)")
            isBroken = true
            return nil
        }
    }

    private mutating func told(_ event: ClientConnectionState.Event) throws {
        switch event {
        case .established(let hello):
            try require(!clientSide.isEstablished, "a second hello")
            try require(hello.instance == InstanceID(high: 2, low: 2), "the server is \(hello.instance)")
            clientSide.isEstablished = true
        case .pong(let value):
            try require(clientSide.pings.first == value, "a pong of \(value)")
            clientSide.pings.removeFirst()
        case .answering(let stream):
            let call = try openCall(stream)
            try require(!call.kind.streamsResponses, "a response that has begun on \(stream), whose call has several")
        case .metadata(let stream, let metadata):
            let call = try openCall(stream)
            try require(call.metadata == metadata && !call.metadataSeen, "metadata \(metadata) on \(stream)")
            try require(call.responsesSeen == 0, "metadata after a response on \(stream)")
            calls[stream]?.metadataSeen = true
        case .message(let stream, let payload):
            let call = try openCall(stream)
            try require(
                call.kind.streamsResponses && call.responsesSeen < call.responses.count, "a response on \(stream)")
            let expected = call.responses[call.responsesSeen]
            try require(expected.fits && expected.content == payload.content, "another response on \(stream)")
            try require(call.metadata == nil || call.metadataSeen, "a response before the metadata on \(stream)")
            calls[stream]?.responsesSeen += 1
            clientSide.untaken.append((stream, payload.count))
        case .response(let stream, let head, let payload):
            let call = try openCall(stream)
            try checkAnswer(stream, call, head, payload)
            over(stream, .answered)
        case .unreadable(let stream, let error):
            let call = try openCall(stream)
            let next =
                call.kind.streamsResponses
                ? call.responses.dropFirst(call.responsesSeen).first : call.reply?.message
            try require(next?.fits == false && error.code == .tooLarge, "\(stream) was unreadable: \(error)")
            over(stream, .unreadable)
        case .goAway(let goAway, let notTaken):
            isGoingAway = true
            // The books are closed where a byte was changed: what the server has read before that is not known.
            try require(
                goAway.lastStream == lastTaken || serverSide.isCorrupted,
                "the server goes away after \(goAway.lastStream)")
            let expected = calls.filter { $0.value.isOpen && $0.key > goAway.lastStream }.keys.sorted()
            try require(notTaken == expected, "\(notTaken) were not taken")
            for stream in notTaken {
                try require(calls[stream]?.service == .unseen, "\(stream) was not taken and has run")
                over(stream, .notTaken)
            }
        }
    }

    private func checkAnswer(_ stream: StreamID, _ call: CallModel, _ head: ReplyHead, _ payload: Payload) throws {
        let text = "\(stream) is answered \(head.status), \(head.message)"
        switch head.status {
        case .ok:
            guard let reply = call.reply, reply.isSendable else { throw Divergence(description: text) }
            try require(head.metadata["trailer"] == "\(stream)" && head.details == [1, 2], text)
            try require(call.responsesSeen == call.responses.count && payload.content == reply.message.content, text)
            try require(call.metadata == nil || call.metadataSeen, "\(text), without its metadata")
        case .internalError:
            try require(call.reply?.isSendable == false && payload.count == 0, text)
        case .permissionDenied:
            try require(call.service == .refused && head.hasNotRun && payload.count == 0, text)
        case .resourceExhausted where head.hasNotRun:
            let isOver = call.requests.first?.fits == false && !call.kind.streamsRequests
            try require(call.service == .unseen && (isOver || serverSide.limits.concurrentCalls < 8), text)
        case .resourceExhausted:
            let next = call.requests.dropFirst(call.requestsSeen).first
            try require(call.service == .refused && next?.fits == false, text)
            try require(call.responsesSeen == call.responses.count, "\(text), before its responses")
        default:
            throw Divergence(description: text)
        }
    }

    private func openCall(_ stream: StreamID) throws -> CallModel {
        guard let call = calls[stream], call.isOpen else {
            throw Divergence(description: "the client is told of \(stream), which is over")
        }
        return call
    }

    private mutating func over(_ stream: StreamID, _ end: CallModel.End) {
        calls[stream]?.end = end
        clientSide.untaken.removeAll { $0.stream == stream }
        clientSide.held[stream] = nil
        clientSide.full.remove(stream)
    }

    // MARK: Chance

    /// A call of which `condition` is true, or `nil`.
    mutating func anyCall(_ condition: (CallModel) -> Bool) -> StreamID? {
        let candidates = calls.filter { condition($0.value) }.keys.sorted()
        return candidates.isEmpty ? nil : candidates[Int(generator.next() % UInt64(candidates.count))]
    }

    /// A payload, cut into head and segments at random.
    mutating func payload() -> Payload {
        var size = generator.next() % 300
        if isLarge, generator.next() % 3 == 0 { size = generator.next() % (150 << 10) }
        var rest = generator.bytes(Int(size))[...]
        var payload = Payload()
        let head = Int(generator.next() % (size + 1))
        payload.head = ByteBuffer(bytes: rest.prefix(head))
        rest = rest.dropFirst(head)
        while !rest.isEmpty || generator.next() % 5 == 0 {
            let count = Int(generator.next() % UInt64(rest.count + 1))
            payload.segments.append(SegmentField(number: 2, segment: Segment(copying: rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return payload
    }

    func message(_ payload: Payload, for side: Side) -> CallModel.Message {
        CallModel.Message(
            content: payload.content, fits: (try? payload.layout.totalBytes(within: side.limits)) != nil)
    }
}
