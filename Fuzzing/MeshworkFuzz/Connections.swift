import NIOCore

@testable import MeshWire

/// The two sides of a connection, given what a peer sends after its greeting: the first byte says how the rest is cut
/// into reads.
enum Connections {
    private static let limits: WireLimits = {
        var limits = WireLimits()
        limits.concurrentCalls = 8
        limits.declaredMethods = 8
        limits.messageHeadBytes = 10_000
        limits.messageBytes = 100_000
        limits.largeMessageBytes = 200_000
        return limits
    }()

    private static let greeting: [UInt8] = {
        let hello = Payload(Hello(instance: InstanceID(high: 1, low: 1))).head
        var buffer = ByteBuffer(bytes: Preface.bytes)
        FrameHeader(kind: .hello, stream: .connection, payloadLength: hello.readableBytes).write(to: &buffer)
        buffer.writeImmutableBuffer(hello)
        return Array(buffer.readableBytesView)
    }()

    static func server(_ bytes: [UInt8]) {
        var state = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: limits)
        for read in reads(bytes) {
            state.receive(read)
            do throws(WireError) {
                while let event = try state.nextEvent() {
                    if case .announced(let stream, _) = event, stream.rawValue % 8 == 5 {
                        state.refuse(stream, status: .permissionDenied, message: "no")
                    }
                    guard case .call(let stream, _, let payload) = event else { continue }
                    _ = try? payload.decode(as: EmptyMessage.self)
                    if stream.rawValue % 4 == 1 { state.reply(to: stream, payload: payload) }
                }
            } catch { return }
            precondition(state.openStreams <= limits.concurrentCalls)
            while state.nextWrite() != nil {}
        }
        try? state.end()
    }

    static func client(_ bytes: [UInt8]) {
        var state = ClientConnectionState(instance: InstanceID(high: 2, low: 2), limits: limits)
        let method = state.declare(path: "a.B/C", requestName: "a.Q", responseName: "a.R")
        for _ in 0..<20 {
            _ = state.open(
                method, timeRemaining: .seconds(1), deduplication: nil, metadata: Metadata(), payload: Payload())
        }
        for read in reads(bytes) {
            state.receive(read)
            do throws(WireError) {
                while let event = try state.nextEvent() {
                    if case .response(_, _, let payload) = event { _ = try? payload.decode(as: EmptyMessage.self) }
                }
            } catch { return }
            precondition(state.openStreams <= 20)
            while state.nextWrite() != nil {}
        }
        try? state.end()
    }

    /// The greeting and `bytes`, in pieces.
    private static func reads(_ bytes: [UInt8]) -> [ByteBuffer] {
        guard let cut = bytes.first else { return [] }
        var rest = ByteBuffer(bytes: greeting + bytes.dropFirst())
        var reads: [ByteBuffer] = []
        while rest.readableBytes > 0, let read = rest.readSlice(length: min(rest.readableBytes, Int(cut) * 8 + 1)) {
            reads.append(read)
        }
        return reads
    }
}
