import NIOCore
import NIOHPACK
import NIOHTTP2

@testable import MeshGRPC
@testable import MeshWire

/// The two sides of a gRPC call, given what a peer does to its HTTP/2 stream: the bytes are a program of header fields,
/// data, resets, and of what this side does meanwhile.
enum Calls {
    private static let limits: WireLimits = {
        var limits = WireLimits()
        limits.messageBytes = 100_000
        limits.metadataBytes = 4_000
        return limits
    }()

    static func server(_ bytes: [UInt8]) {
        var program = Program(bytes)
        var state = GRPCServerStreamState(limits: limits)
        while let step = program.next() {
            switch step % 8 {
            case 0, 1: state.receive(program.headers(Self.request), endsStream: step & 0x80 != 0)
            case 2, 3: state.receive(program.data(), endsStream: step & 0x80 != 0)
            case 4: state.accept(program.kind(), compressing: step & 0x80 != 0 ? .gzip : .deflate)
            case 5: state.send(Payload(head: program.data()))
            case 6: state.finish(GRPCTrailers(GRPCStatus(.init(rawValue: UInt32(step >> 3)), program.text())))
            default: state.receive(reset: HTTP2ErrorCode(networkCode: Int(step >> 3)))
            }
            while let event = state.nextEvent() {
                guard case .request(let message) = event else { continue }
                precondition(message.readableBytes <= limits.messageBytes)
                check(message, as: Grpc_Reflection_V1_ServerReflectionRequest.self)
            }
            while state.nextWrite(limit: 1_000) != nil {}
        }
    }

    static func client(_ bytes: [UInt8]) {
        var program = Program(bytes)
        let kind = program.kind()
        guard
            var state = try? GRPCClientStreamState(
                GRPCRequestHead(path: "a.B/C", authority: "x"), kind: kind, limits: limits)
        else { fatalError("a call without metadata cannot begin") }
        var ends = 0
        while let step = program.next() {
            switch step % 8 {
            case 0, 1: state.receive(program.headers(Self.response), endsStream: step & 0x80 != 0)
            case 2, 3: state.receive(program.data(), endsStream: step & 0x80 != 0)
            case 4: try? state.send(Payload(head: program.data()))
            case 5: state.endRequests()
            case 6: state.receive(program.headers(Self.trailers), endsStream: true)
            default: state.receive(reset: HTTP2ErrorCode(networkCode: Int(step >> 3)))
            }
            while let event = state.nextEvent() {
                precondition(ends == 0, "\(event) after the end")
                if case .finished = event { ends += 1 }
                guard case .response(let message) = event else { continue }
                precondition(message.readableBytes <= limits.messageBytes)
                check(message, as: Grpc_Reflection_V1_ServerReflectionResponse.self)
            }
            while state.nextWrite(limit: 1_000) != nil {}
        }
    }

    /// What can be read can be written, and reads back the same.
    private static func check<Message: ProtobufMessage & Equatable>(_ bytes: ByteBuffer, as type: Message.Type) {
        guard let message = try? Payload(head: bytes).decode(as: Message.self) else { return }
        guard let again = try? Payload(message).decode(as: Message.self), Payload(again).head == Payload(message).head
        else { fatalError("\(Message.messageName) changed on the way") }
    }

    /// Programs of a call that goes well: whole, compressed, and with metadata and a timeout.
    static func seeds() -> [[UInt8]] {
        let message: [UInt8] = [0, 0, 0, 0, 3, 10, 1, 120]
        let compressed = Compression.deflate([10, 1, 120], .gzip)
        var framed: [UInt8] = [1, 0, 0, 0, UInt8(compressed.count)] + compressed
        while framed.count % 4 != 0 { framed.append(0) }
        let timeout: [UInt8] = [2, 0, 2, UInt8(ascii: "1"), UInt8(ascii: "S"), 11, 1, 120]
        let gzip: [UInt8] = [1, 1, 4] + Array("gzip".utf8)
        var programs: [[UInt8]] = []
        for kind in 0..<4 as Range<UInt8> {
            // The first byte is the client's kind of call; on a server, headers.
            let begin: [UInt8] = [kind * 4, 0]
            let (plain, answer, last): ([UInt8], [UInt8], [UInt8]) = (
                [0, 2, 2], [0x84, kind, 5, 2], [6, 0, 0, 0x86, 0]
            )
            programs.append(begin + plain + message + answer + message + last)
            let (wait, end): ([UInt8], [UInt8]) = ([0x82, 2], [4, kind, 0x86, 0, 0])
            programs.append(begin + timeout + wait + message + end)
            let (length, reset): ([UInt8], [UInt8]) = ([2, UInt8(framed.count / 4)], [4, kind, 0x83, 0, 7])
            programs.append(begin + gzip + length + framed + reset)
        }
        return programs
    }

    // Header fields that make a call, so that most programs come past them; a program adds its own.
    private static let request: [(String, String)] = [
        (":method", "POST"), (":scheme", "https"), (":path", "/a.B/C"), (":authority", "x"),
        ("content-type", "application/grpc"),
    ]
    private static let response: [(String, String)] = [(":status", "200"), ("content-type", "application/grpc")]
    private static let trailers: [(String, String)] = [("grpc-status", "0")]
}

/// Bytes that are read as a program.
private struct Program {
    private static let names = [
        "grpc-timeout", "grpc-encoding", "grpc-accept-encoding", "grpc-status", "grpc-message",
        "grpc-status-details-bin", "grpc-retry-pushback-ms", "content-type", ":status", ":path", ":method", "x",
        "x-bin",
        "te", "user-agent", "grpc-previous-rpc-attempts",
    ]

    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func next() -> UInt8? { rest.popFirst() }

    mutating func text() -> String {
        let count = Int(next() ?? 0)
        defer { rest = rest.dropFirst(count) }
        return String(decoding: rest.prefix(count), as: UTF8.self)
    }

    mutating func data() -> ByteBuffer {
        let count = Int(next() ?? 0) * 4
        defer { rest = rest.dropFirst(count) }
        return ByteBuffer(bytes: rest.prefix(count))
    }

    mutating func kind() -> CallKind {
        CallKind.allCases[Int(next() ?? 0) % CallKind.allCases.count]
    }

    /// The usual fields, and others: under a known name, or one of the program's own.
    mutating func headers(_ usual: [(String, String)]) -> HPACKHeaders {
        let choice = next() ?? 0
        var headers = HPACKHeaders(choice & 0x80 == 0 ? usual : [])
        for _ in 0..<choice & 0xF {
            let name = Int(next() ?? 0)
            let own = name < Self.names.count ? Self.names[name] : text()
            // HTTP/2 lets no other name through.
            headers.add(name: own.utf8.allSatisfy { $0 < 0x80 } ? own : "x", value: text())
        }
        return headers
    }
}
