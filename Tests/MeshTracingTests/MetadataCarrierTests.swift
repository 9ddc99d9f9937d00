import MeshWire
import Testing

@testable import MeshTracing

@Suite struct MetadataCarrierTests {
    @Test("keys are in lower case, and what no wire could carry is left out")
    func injects() {
        var metadata = Metadata()
        let injector = MetadataInjector()
        injector.inject("1", forKey: "X-B3-TraceId", into: &metadata)
        injector.inject("two\nlines", forKey: "bad", into: &metadata)
        injector.inject("é", forKey: "bad", into: &metadata)
        injector.inject("", forKey: "empty", into: &metadata)
        injector.inject("x", forKey: "trace-bin", into: &metadata)
        #expect(metadata == ["x-b3-traceid": "1"])
    }

    @Test("a list that comes in parts is one; of two parents neither counts")
    func extracts() {
        let extractor = MetadataExtractor()
        var metadata: Metadata = ["traceparent": "a", "baggage": "k=1", "other": "x", "tracestate": "a=1"]
        #expect(extractor.extract(key: "TraceParent", from: metadata) == "a")
        metadata.append(.init(key: "traceparent", value: "b"))
        metadata.append(.init(key: "baggage", value: "l=2"))
        #expect(extractor.extract(key: "traceparent", from: metadata) == nil)
        #expect(extractor.extract(key: "Baggage", from: metadata) == "k=1,l=2")
        #expect(extractor.extract(key: "none", from: metadata) == nil)
    }
}
