import MeshWire
import NIOCore

/// A call's outcome as bytes: the reply's head as the wire has it, what goes before it, and the response's parts.
struct OutcomeRecord: MeshMessage {
    static let messageName = "meshwork.transport.OutcomeRecord"

    let reply: Reply

    init(_ reply: Reply) { self.reply = reply }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        var head = ReplyHead()
        var leading = Metadata()
        var parts: [[UInt8]] = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: head = try decoder.message()
            case 2: leading.append(try decoder.message())
            case 3: parts.append(try decoder.bytes())
            default: break
            }
        }
        let lengths = [head.layout.headLength] + head.layout.segments.map(\.length)
        guard parts.map(\.count) == lengths else {
            throw WireError(
                .malformed, "an outcome's response has parts of \(parts.map(\.count)) bytes, not \(lengths)")
        }
        var reply = Reply(
            status: head.status, message: head.message, hasNotRun: head.hasNotRun,
            payload: Payload(
                head: ByteBuffer(bytes: parts[0]),
                segments: zip(head.layout.segments, parts.dropFirst()).map {
                    SegmentField(number: $0.field, segment: Segment(copying: $1))
                }))
        reply.metadata = leading
        reply.trailers = head.metadata
        reply.details = head.details
        reply.pushback = head.pushback
        self.reply = reply
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(
            1,
            ReplyHead(
                status: reply.status, message: reply.message, hasNotRun: reply.hasNotRun, metadata: reply.trailers,
                layout: reply.payload.layout, details: reply.details, pushback: reply.pushback))
        for entry in reply.metadata { encoder.message(2, entry) }
        encoder.repeatedBytes(3, Array(reply.payload.head.readableBytesView))
        for field in reply.payload.segments {
            encoder.repeatedBytes(3, unsafe field.segment.withUnsafeBytes { unsafe Array($0) })
        }
    }
}
