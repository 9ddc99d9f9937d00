import MeshWire
import NIOCore
import NIOHTTP2
import TestSupport
import Testing

@testable import MeshGRPC

/// Both state machines against each other: what a caller and a handler see.
@Suite struct GRPCStreamPairTests {
    @Test("a unary call is asked and answered")
    func unary() throws {
        var pair = try StreamPair(.unary)
        try pair.client.send(payload([1]))
        pair.client.endRequests()
        guard case .call(let head)? = pair.toServer().first else {
            Issue.record("no call arrived")
            return
        }
        #expect(head.path == "a.B/C")
        pair.server.accept(.unary)
        #expect(pair.serverEvents() == [.request(ByteBuffer(bytes: [1])), .requestsEnded])
        pair.server.sendHead(["x": "1"])
        pair.server.send(payload([2, 3]))
        pair.server.finish(GRPCTrailers(.ok, metadata: ["y": "2"]))
        #expect(
            pair.toClient() == [
                .head(["x": "1"]), .response(ByteBuffer(bytes: [2, 3])),
                .finished(GRPCOutcome(GRPCTrailers(.ok, metadata: ["y": "2"]))),
            ])
    }

    @Test("requests and responses of every kind come in their order", arguments: CallKind.allCases)
    func everyKind(kind: CallKind) throws {
        let seed: UInt64 = 17
        var generator = SeededGenerator(seed: seed)
        for round in 0..<rounds(20) {
            var head = GRPCRequestHead(path: "a.B/C", authority: "b")
            let compresses = round % 2 == 1
            if compresses { head.encoding = .known(.gzip) }
            var pair = try StreamPair(kind, head: head)
            pair.frameBytes = Int(generator.anySize() % 20_000) + 1
            let requests = (0..<(kind.streamsRequests ? 5 : 1)).map { _ in
                generator.bytes(Int(generator.anySize() % 50_000))
            }
            let responses = (0..<(kind.streamsResponses ? 5 : 1)).map { _ in
                generator.bytes(Int(generator.anySize() % 50_000))
            }
            for request in requests { try pair.client.send(payload(request)) }
            pair.client.endRequests()
            _ = pair.toServer()
            pair.server.accept(kind, compressing: compresses ? .deflate : nil)
            #expect(
                pair.serverEvents() == requests.map { .request(ByteBuffer(bytes: $0)) } + [.requestsEnded],
                "seed \(seed)")
            for response in responses { pair.server.send(payload(response)) }
            pair.server.finish(GRPCTrailers(.ok))
            #expect(
                pair.toClient() == [.head([:])] + responses.map { .response(ByteBuffer(bytes: $0)) }
                    + [.finished(GRPCOutcome(GRPCTrailers(.ok)))], "seed \(seed)")
            #expect(pair.client.isFinished && pair.server.isFinished)
        }
    }

    @Test("ping-pong: each message is there before the next is sent")
    func pingPong() throws {
        var pair = try StreamPair(.bidirectional)
        _ = pair.toServer()
        pair.server.accept(.bidirectional)
        for round in 0..<4 as Range<UInt8> {
            try pair.client.send(payload([round]))
            #expect(pair.toServer() == [.request(ByteBuffer(bytes: [round]))])
            pair.server.send(payload([round, round]))
            #expect(pair.toClient().last == .response(ByteBuffer(bytes: [round, round])))
        }
        pair.client.endRequests()
        #expect(pair.toServer() == [.requestsEnded])
        pair.server.finish(GRPCTrailers(.ok))
        #expect(pair.toClient() == [.finished(GRPCOutcome(GRPCTrailers(.ok)))])
    }

    @Test("an answer without messages is trailers only, with status, details and pushback")
    func trailersOnly() throws {
        var pair = try StreamPair(.serverStreaming)
        try pair.client.send(Payload())
        pair.client.endRequests()
        _ = pair.toServer()
        let trailers = GRPCTrailers(
            GRPCStatus(.unavailable, "later", details: [1]), metadata: ["k": "v"], pushback: .after(.seconds(2)))
        pair.server.finish(trailers)
        #expect(pair.toClient() == [.finished(GRPCOutcome(trailers))])
    }

    @Test("a caller that gives up ends the handler's call")
    func cancel() throws {
        var pair = try StreamPair(.clientStreaming)
        try pair.client.send(payload([1]))
        _ = pair.toServer()
        pair.server.accept(.clientStreaming)
        _ = pair.serverEvents()
        pair.client.cancel()
        guard case .aborted(let status)? = pair.toServer().first else {
            Issue.record("the handler was not told")
            return
        }
        #expect(status.code == .cancelled)
        guard case .finished(let outcome)? = pair.clientEvents().first else {
            Issue.record("the caller was not told")
            return
        }
        #expect(outcome.status.code == .cancelled)
        #expect(outcome.knowledge == .mayHaveRun)
        pair.server.send(payload([9]))
        pair.server.finish(GRPCTrailers(.ok))
        #expect(pair.server.nextWrite(limit: 100) == nil)
    }

    @Test("a call that the server refuses has not run")
    func refused() throws {
        var pair = try StreamPair(.unary)
        try pair.client.send(payload([1]))
        pair.client.endRequests()
        _ = pair.toServer()
        pair.server.refuse()
        guard case .finished(let outcome)? = pair.toClient().first else {
            Issue.record("the caller was not told")
            return
        }
        #expect(outcome.status.code == .unavailable)
        #expect(outcome.knowledge == .hasNotRun)
    }

    @Test("an answer before the requests have ended stops them")
    func earlyAnswer() throws {
        var pair = try StreamPair(.clientStreaming)
        try pair.client.send(payload([1]))
        _ = pair.toServer()
        pair.server.accept(.clientStreaming)
        pair.server.finish(GRPCTrailers(GRPCStatus(.invalidArgument)))
        let events = pair.toClient()
        #expect(events == [.finished(GRPCOutcome(GRPCTrailers(GRPCStatus(.invalidArgument))))])
        try pair.client.send(payload([2]))
        #expect(pair.client.writes() == [.reset(.noError)])
    }
}
