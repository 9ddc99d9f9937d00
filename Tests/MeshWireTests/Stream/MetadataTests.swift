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

    @Test("bytes travel under keys that end with -bin, and under no others")
    func bytes() throws {
        var metadata: Metadata = ["trace": "7"]
        metadata.append(Metadata.Entry(key: "trace-bin", bytes: [0, 255, 10]))
        #expect(metadata[bytes: "trace-bin"] == [0, 255, 10])
        #expect(metadata.byteCount == 32 + 6 + 32 + 12)
        let entry = try Payload(metadata[1]).decode(as: Metadata.Entry.self)
        #expect(entry == metadata[1])
        var encoder = MessageEncoder()
        encoder.string(1, "trace")
        encoder.bytes(3, [1])
        let head = encoder.finish()
        #expect(
            wireError { () throws(WireError) in _ = try Payload(head: head).decode(as: Metadata.Entry.self) }
                == .malformed)
    }
}
