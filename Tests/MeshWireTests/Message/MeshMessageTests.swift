import MeshWire
import NIOCore
import Testing

@Suite struct MeshMessageTests {
    @Test("the empty message is no bytes, and skips what a newer peer adds")
    func empty() throws {
        #expect(Payload(EmptyMessage()).head.readableBytes == 0)
        var newer = Everything()
        newer.text = "new"
        newer.children = [Everything()]
        #expect(throws: Never.self) { try Payload(newer).decode(as: EmptyMessage.self) }
    }
}
