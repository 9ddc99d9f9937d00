import MeshWire
import NIOCore
import NIOHPACK
import NIOHTTP2
import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct GRPCClientStreamStateTests {
    private let responseHead: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
    private let success: HPACKHeaders = ["grpc-status": "0"]

    /// A client that has written its request.
    private func started(_ kind: CallKind = .unary) throws -> GRPCClientStreamState {
        var state = try GRPCClientStreamState(
            GRPCRequestHead(path: "a.B/C", authority: "x"), kind: kind, limits: WireLimits())
        try state.send(payload([1]))
        state.endRequests()
        _ = state.writes()
        return state
    }

    private func outcome(_ state: inout GRPCClientStreamState) -> GRPCOutcome? {
        while let event = state.nextEvent() {
            if case .finished(let outcome) = event {
                #expect(state.nextEvent() == nil)
                return outcome
            }
        }
        return nil
    }

    @Test("the request goes out as head, message and end")
    func request() throws {
        var state = try GRPCClientStreamState(
            GRPCRequestHead(path: "a.B/C", authority: "x"), kind: .unary, limits: WireLimits())
        try state.send(payload([1]))
        state.endRequests()
        let writes = state.writes()
        #expect(writes.count == 2)
        #expect(writes.last == .data(message([1]), endsStream: true))
    }

    @Test(
        "an answer that is not gRPC ends the call by its HTTP status",
        arguments: [
            ("503", .unavailable), ("404", .unimplemented), ("200", .unknown), ("500", .unknown),
        ] as [(String, CallStatus)])
    func notGRPC(code: String, expected: CallStatus) throws {
        let html: HPACKHeaders = [":status": code, "content-type": "text/html"]
        for endsStream in [true, false] {
            var state = try started()
            state.receive(html, endsStream: endsStream)
            let outcome = outcome(&state)
            #expect(outcome?.status.code == expected)
            #expect(outcome?.knowledge == .mayHaveRun)
            #expect(state.writes() == (endsStream ? [] : [.reset(.cancel)]))
        }
    }

    @Test("a grpc-status goes before an HTTP status")
    func statusFirst() throws {
        var state = try started()
        state.receive([":status": "503", "content-type": "text/html", "grpc-status": "8"], endsStream: true)
        #expect(outcome(&state)?.status.code == .resourceExhausted)
    }

    @Test("informational responses are passed over")
    func informational() throws {
        var state = try started()
        state.receive([":status": "103"], endsStream: false)
        #expect(state.nextEvent() == nil)
        state.receive(responseHead, endsStream: false)
        #expect(state.nextEvent() == .head([:]))
    }

    @Test(
        "a method with one response needs exactly that for success", arguments: [CallKind.unary, .clientStreaming])
    func responseCount(kind: CallKind) throws {
        for count in [0, 2] {
            var state = try started(kind)
            state.receive(responseHead, endsStream: false)
            for _ in 0..<count { state.receive(message([1]), endsStream: false) }
            state.receive(success, endsStream: true)
            var events: [GRPCClientStreamState.Event] = []
            while let event = state.nextEvent() { events.append(event) }
            #expect(events.count == 2)
            guard case .finished(let outcome)? = events.last else {
                Issue.record("the call did not end")
                return
            }
            #expect(outcome.status.code == .unimplemented)
        }
        var trailersOnly = try started(kind)
        trailersOnly.receive(
            [":status": "200", "content-type": "application/grpc", "grpc-status": "0"], endsStream: true)
        #expect(outcome(&trailersOnly)?.status.code == .unimplemented)
    }

    @Test("a response is not given out when the call failed after it")
    func failedAfterResponse() throws {
        var state = try started()
        state.receive(responseHead, endsStream: false)
        state.receive(message([1]), endsStream: false)
        state.receive(["grpc-status": "9", "grpc-message": "changed%20its mind"], endsStream: true)
        #expect(state.nextEvent() == .head([:]))
        #expect(
            state.nextEvent()
                == .finished(GRPCOutcome(GRPCTrailers(GRPCStatus(.failedPrecondition, "changed its mind")))))
    }

    @Test("a missing status is unknown, a missing end is an error")
    func missing() throws {
        var noStatus = try started()
        noStatus.receive(responseHead, endsStream: false)
        noStatus.receive(message([1]), endsStream: false)
        noStatus.receive(["x": "y"], endsStream: true)
        #expect(outcome(&noStatus)?.status.code == .unknown)
        var noTrailers = try started()
        noTrailers.receive(responseHead, endsStream: false)
        noTrailers.receive(message([1]), endsStream: true)
        #expect(outcome(&noTrailers)?.status.code == .internalError)
        var nothing = try started()
        nothing.receive(responseHead, endsStream: true)
        #expect(outcome(&nothing)?.status.code == .unknown)
        var truncated = try started(.serverStreaming)
        truncated.receive(responseHead, endsStream: false)
        truncated.receive(ByteBuffer(bytes: [0, 0, 0, 0, 9, 1]), endsStream: false)
        truncated.receive(success, endsStream: true)
        #expect(outcome(&truncated)?.status.code == .internalError)
    }

    @Test(
        "resets are read by their code",
        arguments: [
            (.refusedStream, .unavailable, .hasNotRun), (.cancel, .cancelled, .mayHaveRun),
            (.enhanceYourCalm, .resourceExhausted, .mayHaveRun), (.inadequateSecurity, .permissionDenied, .mayHaveRun),
            (.internalError, .internalError, .mayHaveRun), (.noError, .internalError, .mayHaveRun),
            (HTTP2ErrorCode(networkCode: 0xFFFF), .unknown, .mayHaveRun),
        ] as [(HTTP2ErrorCode, CallStatus, GRPCOutcome.Knowledge)])
    func resets(code: HTTP2ErrorCode, status: CallStatus, knowledge: GRPCOutcome.Knowledge) throws {
        var state = try started()
        state.receive(reset: code)
        let outcome = outcome(&state)
        #expect(outcome?.status.code == status)
        #expect(outcome?.knowledge == knowledge)
        #expect(state.writes().isEmpty)
    }

    @Test("a refusal after an answer has begun does not say that nothing ran")
    func lateRefusal() throws {
        var state = try started(.serverStreaming)
        state.receive(responseHead, endsStream: false)
        state.receive(reset: .refusedStream)
        #expect(outcome(&state)?.knowledge == .mayHaveRun)
    }

    @Test("streams above GOAWAY's last have not run, nor has a call that was never written")
    func notRun() throws {
        var state = try started()
        state.receivedGoAwayBefore()
        #expect(outcome(&state)?.knowledge == .hasNotRun)
        var cancelled = try GRPCClientStreamState(
            GRPCRequestHead(path: "a.B/C", authority: "x"), kind: .unary, limits: WireLimits())
        cancelled.cancel()
        #expect(cancelled.writes().isEmpty)
        #expect(outcome(&cancelled)?.knowledge == .hasNotRun)
    }

    @Test("responses that arrived before a reset are given out")
    func responsesBeforeReset() throws {
        var state = try started(.serverStreaming)
        state.receive(responseHead, endsStream: false)
        state.receive(message([7]), endsStream: false)
        state.receive(reset: .internalError)
        #expect(state.nextEvent() == .head([:]))
        #expect(state.nextEvent() == .response(ByteBuffer(bytes: [7])))
        #expect(outcome(&state)?.status.code == .internalError)
    }

    @Test("a message that cannot be read resets the stream")
    func unreadable() throws {
        var state = try started(.serverStreaming)
        state.receive(responseHead, endsStream: false)
        state.receive(ByteBuffer(bytes: [1, 0, 0, 0, 0]), endsStream: false)
        #expect(outcome(&state)?.status.code == .internalError)
        #expect(state.writes() == [.reset(.cancel)])
    }

    @Test("an answer while requests still wait to be written ends them")
    func earlyAnswer() throws {
        var state = try GRPCClientStreamState(
            GRPCRequestHead(path: "a.B/C", authority: "x"), kind: .unary, limits: WireLimits())
        try state.send(payload([UInt8](repeating: 0, count: 1_000)))
        state.endRequests()
        _ = state.nextWrite(limit: 100)
        _ = state.nextWrite(limit: 100)
        #expect(state.queuedBytes == 905)
        state.receive([":status": "200", "content-type": "application/grpc", "grpc-status": "8"], endsStream: true)
        #expect(state.writes() == [.reset(.noError)])
        #expect(state.queuedBytes == 0)
    }

    @Test("data before the head is a fault")
    func dataFirst() throws {
        var state = try started()
        state.receive(message([1]), endsStream: false)
        #expect(outcome(&state)?.status.code == .internalError)
        #expect(state.writes() == [.reset(.protocolError)])
    }

    @Test("header fields that HTTP/2 does not allow are a fault, at the beginning and at the end")
    func malformed() throws {
        var atHead = try started()
        atHead.receive(["content-type": "application/grpc"], endsStream: false)
        #expect(outcome(&atHead)?.status.code == .internalError)
        #expect(atHead.writes() == [.reset(.protocolError)])
        var atEnd = try started()
        atEnd.receive(responseHead, endsStream: false)
        atEnd.receive([":status": "200", "grpc-status": "0"], endsStream: true)
        let end = outcome(&atEnd)
        #expect(end?.status.code == .internalError)
        #expect(end?.knowledge == .mayHaveRun)
        #expect(atEnd.writes() == [.reset(.protocolError)])
    }

    @Test("metadata that cannot be sent fails before a call begins")
    func unsendable() {
        var head = GRPCRequestHead(path: "a.B/C", authority: "x")
        head.metadata = ["x": "\u{1}"]
        #expect(
            status { () throws(GRPCStatus) in
                _ = try GRPCClientStreamState(head, kind: .unary, limits: WireLimits())
            } != nil)
    }

    @Test("every call ends once, whatever arrives in whatever order", arguments: CallKind.allCases)
    func anyOrder(kind: CallKind) throws {
        let seed: UInt64 = 6
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(1_000) {
            var state = try GRPCClientStreamState(
                GRPCRequestHead(path: "a.B/C", authority: "x"), kind: kind, limits: WireLimits())
            var ends = 0
            var stream = WrittenStream()
            func drain(_ state: inout GRPCClientStreamState) {
                while let event = state.nextEvent() {
                    #expect(ends == 0, "seed \(seed)")
                    if case .finished = event { ends += 1 }
                }
            }
            for _ in 0..<12 {
                switch generator.next() % 10 {
                case 0: state.receive(responseHead, endsStream: generator.next() % 8 == 0)
                case 1, 2: state.receive(message(generator.bytes(3)), endsStream: generator.next() % 8 == 0)
                case 3: state.receive(ByteBuffer(bytes: generator.bytes(4)), endsStream: false)
                case 4: state.receive(success, endsStream: true)
                case 5: try state.send(payload([1]))
                case 6: state.endRequests()
                case 7: if generator.next() % 4 == 0 { state.cancel() }
                case 8: if generator.next() % 4 == 0 { state.receive(reset: .refusedStream) }
                default: for write in state.writes() { stream.append(write) }
                }
                drain(&state)
            }
            state.receive(reset: .internalError)
            drain(&state)
            for write in state.writes() { stream.append(write) }
            #expect(ends == 1, "seed \(seed)")
            #expect(stream.faults.isEmpty, "seed \(seed)")
        }
    }
}
