import MeshWire
import NIOCore
import NIOHPACK
import NIOHTTP2
import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct GRPCServerStreamStateTests {
    private let head: HPACKHeaders = [
        ":method": "POST", ":scheme": "https", ":path": "/a.B/C", ":authority": "x", "content-type": "application/grpc",
        "te": "trailers",
    ]

    /// A server whose call has been accepted.
    private func accepted(_ kind: CallKind, limits: WireLimits = WireLimits()) -> GRPCServerStreamState {
        var state = GRPCServerStreamState(limits: limits)
        state.receive(head, endsStream: false)
        _ = state.nextEvent()
        state.accept(kind)
        return state
    }

    /// The status with which the call was aborted, and written to the client.
    private func abortion(_ state: inout GRPCServerStreamState) -> CallStatus? {
        while let event = state.nextEvent() {
            guard case .aborted(let status) = event else { continue }
            #expect(state.isFinished)
            for case .headers(let headers, true) in state.writes() {
                #expect(GRPCTrailers(headers, limits: WireLimits())?.status == status)
                return status.code
            }
        }
        return nil
    }

    @Test("a method with one request is not run on two, or none", arguments: [CallKind.unary, .serverStreaming])
    func requestCount(kind: CallKind) {
        var none = accepted(kind)
        none.receive(ByteBuffer(), endsStream: true)
        #expect(abortion(&none) == .unimplemented)
        var two = accepted(kind)
        two.receive(message([1]), endsStream: false)
        #expect(two.nextEvent() == nil)
        two.receive(message([2]), endsStream: true)
        #expect(abortion(&two) == .unimplemented)
    }

    @Test("a request that ends inside a message is an error", arguments: CallKind.allCases)
    func truncated(kind: CallKind) {
        var state = accepted(kind)
        state.receive(ByteBuffer(bytes: [0, 0, 0, 0, 2, 1]), endsStream: true)
        #expect(abortion(&state) == .internalError)
    }

    @Test("a message over the limit is refused with its length alone")
    func tooLarge() {
        var limits = WireLimits()
        limits.messageBytes = 10
        var state = accepted(.unary, limits: limits)
        state.receive(ByteBuffer(bytes: [0, 0, 0, 0, 11]), endsStream: false)
        #expect(abortion(&state) == .resourceExhausted)
        // The client is told to stop sending.
        var other = accepted(.unary, limits: limits)
        other.receive(ByteBuffer(bytes: [0, 0, 0, 0, 11]), endsStream: false)
        _ = other.nextEvent()
        #expect(other.writes().last == .reset(.noError))
    }

    @Test("what is not gRPC is answered by HTTP alone")
    func notGRPC() {
        var state = GRPCServerStreamState(limits: WireLimits())
        state.receive(
            [":method": "POST", ":scheme": "https", ":path": "/", "content-type": "text/html"], endsStream: true)
        #expect(state.nextEvent() == nil)
        #expect(state.writes() == [.headers([":status": "415"], endsStream: true)])
    }

    @Test("header fields that HTTP/2 does not allow reset the stream, and stop a handler that runs")
    func malformed() {
        var state = GRPCServerStreamState(limits: WireLimits())
        state.receive([":method": "POST", ":path": "/a.B/C", "content-type": "application/grpc"], endsStream: true)
        #expect(state.isMalformed && state.isFinished)
        #expect(state.nextEvent() == nil)
        #expect(state.writes() == [.reset(.protocolError)])
        var running = accepted(.clientStreaming)
        _ = running.writes()
        running.receive(["Trailer": "x"], endsStream: true)
        #expect(running.isMalformed && running.isFinished)
        #expect(running.writes() == [.reset(.protocolError)])
        guard case .aborted(let status)? = running.nextEvent() else {
            Issue.record("the handler is not told")
            return
        }
        #expect(status.code == .internalError)
    }

    @Test("nothing of a call is read before it is accepted")
    func waiting() {
        var state = GRPCServerStreamState(limits: WireLimits())
        state.receive(head, endsStream: false)
        state.receive(message([1]), endsStream: true)
        guard case .call? = state.nextEvent() else {
            Issue.record("no call arrived")
            return
        }
        #expect(state.nextEvent() == nil)
        state.accept(.unary)
        #expect(state.nextEvent() == .request(ByteBuffer(bytes: [1])))
        #expect(state.nextEvent() == .requestsEnded)
        #expect(state.nextEvent() == nil)
    }

    @Test("a handler that gives no response, or two, fails its call")
    func responseCount() {
        var none = accepted(.unary)
        none.receive(message([1]), endsStream: true)
        none.finish(GRPCTrailers(.ok))
        guard case .headers(let headers, true)? = none.writes().first else {
            Issue.record("no trailers were written")
            return
        }
        #expect(GRPCTrailers(headers, limits: WireLimits())?.status.code == .internalError)
        var two = accepted(.unary)
        two.receive(message([1]), endsStream: true)
        two.send(payload([1]))
        two.send(payload([2]))
        #expect(abortion(&two) == .internalError)
    }

    @Test("a response over the limit becomes a status")
    func tooLargeResponse() {
        var limits = WireLimits()
        limits.messageBytes = 10
        var state = accepted(.unary, limits: limits)
        state.receive(message([1]), endsStream: true)
        state.send(payload([UInt8](repeating: 0, count: 11)))
        #expect(abortion(&state) == .resourceExhausted)
    }

    @Test("metadata that cannot be sent becomes a status, and does not hide another")
    func unsendableMetadata() throws {
        var state = accepted(.serverStreaming)
        state.sendHead(["x": "ä"])
        #expect(abortion(&state) == .internalError)
        var failed = accepted(.serverStreaming)
        failed.finish(GRPCTrailers(GRPCStatus(.notFound, "no such thing"), metadata: ["x": "ä"]))
        guard case .headers(let headers, true)? = failed.writes().first else {
            Issue.record("no trailers were written")
            return
        }
        let status = try #require(GRPCTrailers(headers, limits: WireLimits())).status
        #expect(status.code == .notFound)
        #expect(status.message.hasPrefix("no such thing (metadata"))
    }

    @Test("responses are compressed only for clients that can read that")
    func compression() {
        let response = payload([UInt8](repeating: 0, count: 1_000))
        for (accepts, flag) in [("gzip", 1), ("identity,deflate", 0)] as [(String, UInt8)] {
            var state = GRPCServerStreamState(limits: WireLimits())
            var headers = head
            headers.add(name: "grpc-accept-encoding", value: accepts)
            state.receive(headers, endsStream: false)
            _ = state.nextEvent()
            state.accept(.serverStreaming, compressing: .gzip)
            state.send(response)
            state.send(response, isCompressed: false)
            let flags = state.writes().compactMap { write -> UInt8? in
                guard case .data(let data, _) = write else { return nil }
                return data.array[0]
            }
            #expect(flags == [flag, 0])
        }
    }

    @Test("a client whose compression is not known is told which ones are")
    func unknownCompression() throws {
        var state = GRPCServerStreamState(limits: WireLimits())
        var headers = head
        headers.add(name: "grpc-encoding", value: "snappy")
        state.receive(headers, endsStream: false)
        _ = state.nextEvent()
        state.accept(.unary)
        state.receive(ByteBuffer(bytes: [1, 0, 0, 0, 1, 7]), endsStream: true)
        guard case .aborted(let status)? = state.nextEvent(),
            case .headers(let answer, true)? = state.writes().first
        else {
            Issue.record("the call did not end with an answer")
            return
        }
        #expect(status.code == .unimplemented)
        #expect(answer["grpc-accept-encoding"] == ["identity,deflate,gzip"])
    }

    @Test("a reset before the call was taken up is told to nobody")
    func earlyReset() {
        var state = GRPCServerStreamState(limits: WireLimits())
        state.receive(head, endsStream: false)
        state.receive(reset: .cancel)
        #expect(state.nextEvent() == nil)
        #expect(state.nextWrite(limit: 1) == nil)
    }

    @Test("whatever arrives and is done, in whatever order, writes a stream that HTTP/2 allows")
    func anyOrder() {
        let seed: UInt64 = 5
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(2_000) {
            var state = GRPCServerStreamState(limits: WireLimits())
            var stream = WrittenStream()
            var (calls, ends) = (0, 0)
            for _ in 0..<12 {
                switch generator.next() % 9 {
                case 0: state.receive(head, endsStream: generator.next() % 4 == 0)
                case 1: state.receive(message(generator.bytes(3)), endsStream: generator.next() % 4 == 0)
                case 2: state.receive(ByteBuffer(bytes: generator.bytes(4)), endsStream: false)
                case 3 where generator.next() % 4 == 0: state.receive(reset: .cancel)
                case 4: state.accept(CallKind.allCases.randomElement(using: &generator)!, compressing: .gzip)
                case 5: state.send(payload(generator.bytes(3)))
                case 6 where generator.next() % 2 == 0: state.finish(GRPCTrailers(.ok))
                case 7: state.sendHead()
                case 8 where generator.next() % 4 == 0: state.refuse()
                default: for write in state.writes() { stream.append(write) }
                }
                while let event = state.nextEvent() {
                    #expect(ends == 0, "seed \(seed): \(event) after the end")
                    if case .call = event { calls += 1 }
                    if case .aborted = event { ends += 1 }
                }
            }
            for write in state.writes() { stream.append(write) }
            #expect(stream.faults.isEmpty, "seed \(seed)")
            #expect(calls <= 1 && ends <= calls, "seed \(seed)")
        }
    }
}
