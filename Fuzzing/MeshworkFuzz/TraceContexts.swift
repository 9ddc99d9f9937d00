import Telemetry

/// `traceparent` and `tracestate`, a line each. What can be read is written within its bounds and reads back the same.
enum TraceContexts {
    static func decode(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard let first = lines.first else { return }
        if lines.count > 1, let state = TraceState(lines[1]) {
            precondition(state.members.count <= TraceState.maximumMembers)
            let text = state.description
            precondition(text.utf8.count <= TraceState.maximumBytes)
            precondition(TraceState(text)?.description == text)
        }
        guard let context = TraceContext(traceparent: first, tracestate: lines.count > 1 ? lines[1] : nil) else {
            return
        }
        let (parent, state) = (context.traceparent, context.tracestate.description)
        precondition(parent.utf8.count == 55)
        guard let again = TraceContext(traceparent: parent, tracestate: state) else {
            preconditionFailure("\(parent) is not read back")
        }
        precondition(again.traceparent == parent && again.tracestate.description == state)
    }

    static func seeds() -> [[UInt8]] {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let members = (0..<32).map { "k\($0)=" + String(repeating: "v", count: $0 * 6 + 1) }.joined(separator: ",")
        return [
            parent, parent + "\ncongo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
            "cc" + parent.dropFirst(2) + "-more\na=1,, b=2", parent + "\n" + members,
            "00-00000000000000000000000000000000-0000000000000000-00",
        ].map { Array($0.utf8) }
    }
}
