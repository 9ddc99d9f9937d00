/// Where the caller of a call stands in its trace: W3C Trace Context's `traceparent` in numbers, and its `tracestate`.
///
/// The wire carries it beside the metadata: as text it would be three times as long, and be written and read for each call.
package struct TraceParent: MeshMessage, Hashable {
    package static let messageName = "meshwork.wire.TraceParent"

    /// The trace's 128 bits; zero for none.
    package var traceHigh: UInt64, traceLow: UInt64
    /// The caller's piece of work; zero for none.
    package var span: UInt64
    /// 1: the trace is recorded; 2: its lower 56 bits are random. Others are not defined.
    package var flags: UInt32
    /// The text of `tracestate`.
    package var state: String

    package init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt32, state: String) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.flags = flags
        self.state = state
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(traceHigh: 0, traceLow: 0, span: 0, flags: 0, state: "")
        while let field = try decoder.nextField() {
            switch field {
            case 1: traceHigh = try decoder.fixed64()
            case 2: traceLow = try decoder.fixed64()
            case 3: span = try decoder.fixed64()
            case 4: flags = try decoder.uint32()
            case 5: state = try decoder.string()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.fixed64(1, traceHigh)
        encoder.fixed64(2, traceLow)
        encoder.fixed64(3, span)
        encoder.uint32(4, flags)
        encoder.string(5, state)
    }
}
