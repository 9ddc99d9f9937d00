import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOHPACK
import Synchronization
import TestSupport

@testable import MeshGRPC

/// A TLS server that speaks HTTP/2 by hand: a script says what each request and each ping is answered with. It sends its
/// settings by itself, and nothing else.
final class ScriptedHTTP2Server: Sendable {
    /// A request that has come whole.
    struct Request: Sendable {
        /// Which of the server's connections it came on, from 1 on.
        let connection: Int
        let stream: UInt32
        let headers: HPACKHeaders
        let note: Note

        /// The request's place among those of a test.
        var place: Place { Place(connection: connection, stream: stream) }
    }

    struct Place: Hashable {
        let connection: Int
        let stream: UInt32
    }

    enum Arrival: Sendable {
        case request(Request)
        case ping([UInt8])
    }

    private let authority: TestAuthority
    private let listener: RawListener
    private let arrivals: Arrivals

    private init(_ authority: TestAuthority, _ listener: RawListener, _ arrivals: Arrivals) {
        self.authority = authority
        self.listener = listener
        self.arrivals = arrivals
    }

    static func start(
        _ script: @escaping @Sendable (Arrival) -> HTTP2Bytes
    ) async throws -> ScriptedHTTP2Server {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let (arrivals, connections) = (Arrivals(), Tally())
        let listener = try await RawListener.start(as: try authority.svid("/server"), applicationProtocols: ["h2"]) {
            Speaker(connections.add()) { arrival in
                arrivals.add(arrival)
                return script(arrival)
            }
        }
        return ScriptedHTTP2Server(authority, listener, arrivals)
    }

    func stop() async { await listener.stop() }

    /// A client of this server that speaks gRPC.
    func client(
        _ configuration: GRPCConfiguration = GRPCConfiguration(), mesh: MeshConfiguration = .patient
    ) throws -> MeshClient {
        let mesh = try Mesh(configuration: mesh, identity: authority.identity("/client"), policy: .denyAll)
        try mesh.enableGRPC(configuration)
        return mesh.client(
            Destination(host: "127.0.0.1", port: listener.port, identities: [.exact(try authority.id("/server"))])
                .overGRPC)
    }

    /// The requests so far, in the order in which they came.
    var requests: [Request] {
        arrivals.all.compactMap { if case .request(let request) = $0 { request } else { nil } }
    }

    /// How many pings have come.
    var pings: Int { arrivals.all.count { if case .ping = $0 { true } else { false } } }

    /// Guarded by a mutex.
    private final class Arrivals: Sendable {
        private let state = Mutex<[Arrival]>([])
        var all: [Arrival] { state.withLock { $0 } }
        func add(_ arrival: Arrival) { state.withLock { $0.append(arrival) } }
    }

    private final class Speaker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private typealias Frame = HTTP2Bytes.Frame

        private let connection: Int
        private let script: @Sendable (Arrival) -> HTTP2Bytes
        private var pending = ByteBuffer()
        private var prefaceLeft = HTTP2Bytes.preface.count
        private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
        private var calls: [UInt32: (headers: HPACKHeaders, body: [UInt8])] = [:]

        init(_ connection: Int, _ script: @escaping @Sendable (Arrival) -> HTTP2Bytes) {
            self.connection = connection
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var read = unwrapInboundIn(data)
            pending.writeBuffer(&read)
            if prefaceLeft > 0 {
                guard pending.readSlice(length: prefaceLeft) != nil else { return }
                prefaceLeft = 0
                var bytes = HTTP2Bytes()
                bytes.settings([])
                send(bytes, context)
            }
            while let (word, flags, stream) = pending.getMultipleIntegers(
                at: pending.readerIndex, as: (UInt32, UInt8, UInt32).self),
                let frame = pending.readBytes(length: 9 + Int(word >> 8))
            {
                received(UInt8(truncatingIfNeeded: word), flags, stream, Array(frame.dropFirst(9)), context)
            }
        }

        private func received(
            _ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8], _ context: ChannelHandlerContext
        ) {
            switch type {
            case Frame.headers:
                var block = ByteBuffer(bytes: payload)
                calls[stream] = ((try? decoder.decodeHeaders(from: &block)) ?? [:], [])
            case Frame.data:
                calls[stream]?.body += payload
            case Frame.ping where flags == 0:
                return send(script(.ping(payload)), context)
            default:
                return
            }
            guard flags & Frame.endStream != 0, let call = calls.removeValue(forKey: stream) else { return }
            let message = ByteBuffer(bytes: call.body.dropFirst(MessagePrefix.encodedSize))
            let note = try? Payload(head: message).decode(as: Note.self)
            let request = Request(
                connection: connection, stream: stream, headers: call.headers, note: note ?? Note("none"))
            send(script(.request(request)), context)
        }

        private func send(_ bytes: HTTP2Bytes, _ context: ChannelHandlerContext) {
            guard !bytes.bytes.isEmpty else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes.bytes)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// What a server says.
extension HTTP2Bytes {
    /// The beginning of an answer.
    mutating func responseHead(_ stream: UInt32) {
        // :status 200 is in HPACK's static table.
        headers(stream, [0x88] + Self.literal("content-type", "application/grpc"))
    }

    /// A whole answer.
    mutating func answer(_ stream: UInt32, _ note: Note) {
        responseHead(stream)
        frame(Frame.data, on: stream, framed(Payload(note).head.array))
        headers(stream, Self.literal("grpc-status", "0"), flags: Frame.endHeaders | Frame.endStream)
    }

    /// `REFUSED_STREAM` says that the call has not run (RFC 9113, 8.7), and so does nothing else.
    mutating func reset(_ stream: UInt32, code: UInt32) { frame(Frame.reset, on: stream, Self.word(code)) }

    mutating func goAway(after last: UInt32) { frame(Frame.goAway, on: 0, Self.word(last) + Self.word(0)) }

    mutating func pingAnswer(_ data: [UInt8]) { frame(Frame.ping, 1, on: 0, data) }
}
