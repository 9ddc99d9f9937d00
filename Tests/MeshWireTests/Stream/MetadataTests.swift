import MeshWire
import Testing

@Suite struct MetadataTests {
    @Test("keys keep their order, may repeat, and the first is found")
    func order() {
        let metadata: Metadata = ["b": "1", "a": "2", "b": "3"]
        #expect(metadata.map(\.key) == ["b", "a", "b"])
        #expect(metadata["b"] == "1")
        #expect(metadata["c"] == nil)
    }

    @Test("an empty entry counts as well: its memory is not nothing")
    func byteCount() {
        var metadata = Metadata()
        #expect(metadata.byteCount == 0)
        metadata.append(Metadata.Entry(key: "", value: ""))
        metadata.append(Metadata.Entry(key: "kä", value: "v"))
        #expect(metadata.byteCount == 32 + 32 + 4)
    }
}
