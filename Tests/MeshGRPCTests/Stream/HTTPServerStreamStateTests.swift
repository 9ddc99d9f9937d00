import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing

@testable import MeshGRPC
@testable import MeshWire

/// A request of plain HTTP on a stream of HTTP/2.
@Suite struct HTTPServerStreamStateTests {
    private let ok: HPACKHeaders = [":status": "200"]

    private func writes(_ state: inout HTTPServerStreamState, limit: Int = 10) -> [GRPCWrite] {
        var all: [GRPCWrite] = []
        while let write = state.nextWrite(limit: limit) { all.append(write) }
        return all
    }

    @Test("a call's stream leaves what is no call to HTTP, where somebody speaks it")
    func left() {
        for (fields, isLeft) in [
            ([":method": "GET", ":scheme": "https", ":path": "/"], true),
            ([":method": "POST", ":scheme": "https", ":path": "/", "content-type": "text/html"], true),
            ([":method": "POST", ":scheme": "https", ":path": "/a/b", "content-type": "application/grpc"], false),
            ([":method": "GET", ":path": "/"], false),
        ] as [(HPACKHeaders, Bool)] {
            var state = GRPCServerStreamState(limits: WireLimits(), leavesHTTP: true)
            state.receive(fields, endsStream: true)
            #expect(state.isPlainHTTP == isLeft)
            #expect(!isLeft || state.isFinished && !state.hasWrites && state.nextEvent() == nil)
        }
    }

    @Test("a body comes part by part, with its end once")
    func body() {
        var state = HTTPServerStreamState(endsStream: false)
        state.receive(ByteBuffer(string: "ab"), endsStream: false)
        state.receive(ByteBuffer(), endsStream: false)
        #expect(state.unreadBytes == 2)
        state.receive(ByteBuffer(string: "c"), endsStream: false)
        state.receiveTrailers(endsStream: true)
        #expect(state.nextEvent() == .part(ByteBuffer(string: "ab")))
        #expect(state.nextEvent() == .part(ByteBuffer(string: "c")))
        #expect(state.nextEvent() == .ended && state.nextEvent() == nil && state.unreadBytes == 0)
        var empty = HTTPServerStreamState(endsStream: true)
        #expect(empty.nextEvent() == .ended && empty.nextEvent() == nil)
    }

    @Test("an answer is its head, its parts as large as they may be, and the end with the last")
    func answer() {
        var state = HTTPServerStreamState(endsStream: true)
        state.inform([":status": "100"])
        state.respond(ok, isWhole: false)
        state.respond(ok, isWhole: true)
        state.inform([":status": "103"])
        state.send(ByteBuffer(string: "0123456789AB"))
        #expect(state.queuedBytes == 12 && !state.isFinished)
        state.finish()
        #expect(
            writes(&state) == [
                .headers([":status": "100"], endsStream: false), .headers(ok, endsStream: false),
                .data(ByteBuffer(string: "0123456789"), endsStream: false),
                .data(ByteBuffer(string: "AB"), endsStream: true),
            ])
        #expect(state.isFinished && state.queuedBytes == 0)
    }

    @Test("an answer before the request's end has the client stop; what it still sends is dropped")
    func early() {
        var state = HTTPServerStreamState(endsStream: false)
        state.receive(ByteBuffer(string: "a"), endsStream: false)
        state.respond(ok, isWhole: true)
        #expect(writes(&state) == [.headers(ok, endsStream: true), .reset(.noError)])
        state.receive(ByteBuffer(string: "b"), endsStream: true)
        #expect(state.nextEvent() == nil && state.unreadBytes == 0)
    }

    @Test("an answer that is given up, or ended before it began, resets the stream")
    func reset() {
        var begun = HTTPServerStreamState(endsStream: true)
        begun.respond(ok, isWhole: false)
        begun.reset()
        begun.send(ByteBuffer(string: "x"))
        #expect(writes(&begun) == [.reset(.cancel)])
        var silent = HTTPServerStreamState(endsStream: true)
        silent.send(ByteBuffer(string: "x"))
        silent.finish()
        #expect(writes(&silent) == [.reset(.cancel)])
    }
}
