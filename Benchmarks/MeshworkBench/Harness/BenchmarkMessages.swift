import MeshTransport
import MeshWire

/// 64 bytes or a few more, there and back.
struct SmallMessage: MeshMessage {
    static let messageName = "bench.Small"

    var bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        bytes = []
        while let field = try decoder.nextField() {
            if field == 1 { bytes = try decoder.bytes() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.bytes(1, bytes) }
}

/// A payload that nobody looks at.
struct LargeMessage: MeshMessage {
    static let messageName = "bench.Large"

    var payload: Segment

    init(payload: Segment) { self.payload = payload }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        payload = Segment(copying: [])
        while let field = try decoder.nextField() {
            if field == 1 { payload = try decoder.segment() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.segment(1, payload) }
}

/// The service that the transport's figures are taken with.
enum BenchmarkService: MeshService {
    static let name: ServiceName = "bench.Service"
    static let echo = unary("Echo", SmallMessage.self, SmallMessage.self, retry: .idempotent)
    static let sink = unary("Sink", LargeMessage.self, EmptyMessage.self, retry: .idempotent)
}
