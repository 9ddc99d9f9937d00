import MeshWire
import MeshworkTesting
import Testing

@Suite struct EventTraceTests {
    @Test("events are lines with their time, in order")
    func lines() {
        let trace = EventTrace()
        trace.record("push 1", at: RuntimeInstant(nanoseconds: 5))
        trace.record("pull", at: RuntimeInstant(nanoseconds: 6))
        trace.record("push 2", at: RuntimeInstant(nanoseconds: 6))
        #expect(trace.text == "5 push 1\n6 pull\n6 push 2\n")
        #expect(trace.count == 3)
        #expect(trace.events(containing: "push") == ["5 push 1", "6 push 2"])
    }
}
