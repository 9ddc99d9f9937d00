import MeshWire
import NIOCore
import NIOHPACK
import NIOHTTP2

@testable import MeshGRPC

/// A client's and a server's state machine of one call, joined by a stream that loses nothing.
struct StreamPair {
    var client: GRPCClientStreamState
    var server: GRPCServerStreamState
    /// The most bytes of a data frame.
    var frameBytes = 16_384

    init(_ kind: CallKind, head: GRPCRequestHead? = nil, limits: WireLimits = WireLimits()) throws(GRPCStatus) {
        client = try GRPCClientStreamState(
            head ?? GRPCRequestHead(path: "a.B/C", authority: "b"), kind: kind, limits: limits)
        server = GRPCServerStreamState(limits: limits)
    }

    /// Carries what the client has written, and answers what the server makes of it.
    mutating func toServer() -> [GRPCServerStreamState.Event] {
        while let write = client.nextWrite(limit: frameBytes) {
            switch write {
            case .headers(let headers, let endsStream): server.receive(headers, endsStream: endsStream)
            case .data(let data, let endsStream): server.receive(data, endsStream: endsStream)
            case .reset(let code): server.receive(reset: code)
            }
        }
        return serverEvents()
    }

    mutating func serverEvents() -> [GRPCServerStreamState.Event] {
        var events: [GRPCServerStreamState.Event] = []
        while let event = server.nextEvent() { events.append(event) }
        return events
    }

    /// Carries what the server has written, and answers what the client makes of it.
    mutating func toClient() -> [GRPCClientStreamState.Event] {
        while let write = server.nextWrite(limit: frameBytes) {
            switch write {
            case .headers(let headers, let endsStream): client.receive(headers, endsStream: endsStream)
            case .data(let data, let endsStream): client.receive(data, endsStream: endsStream)
            case .reset(let code): client.receive(reset: code)
            }
        }
        return clientEvents()
    }

    mutating func clientEvents() -> [GRPCClientStreamState.Event] {
        var events: [GRPCClientStreamState.Event] = []
        while let event = client.nextEvent() { events.append(event) }
        return events
    }
}

/// What a server's test has written, for a peer that is not ours.
extension GRPCServerStreamState {
    mutating func writes() -> [GRPCWrite] {
        var writes: [GRPCWrite] = []
        while let write = nextWrite(limit: 1 << 20) { writes.append(write) }
        return writes
    }
}

extension GRPCClientStreamState {
    mutating func writes() -> [GRPCWrite] {
        var writes: [GRPCWrite] = []
        while let write = nextWrite(limit: 1 << 20) { writes.append(write) }
        return writes
    }
}

func message(_ bytes: [UInt8]) -> ByteBuffer { ByteBuffer(bytes: framed(bytes)) }

/// What was written to a stream, and what HTTP/2 does not allow of it.
struct WrittenStream {
    private(set) var faults: [String] = []
    private var hasHead = false
    private var hasEnd = false
    private var isReset = false

    mutating func append(_ write: GRPCWrite) {
        if isReset { faults.append("\(write) after a reset") }
        switch write {
        case .headers(_, let endsStream):
            if hasEnd { faults.append("\(write) after the end") }
            if hasHead && !endsStream { faults.append("two heads") }
            hasHead = true
            hasEnd = endsStream
        case .data(_, let endsStream):
            if hasEnd || !hasHead { faults.append("\(write) outside of the stream") }
            hasEnd = endsStream
        case .reset:
            isReset = true
        }
    }
}
