package import MeshWire
import NIOCore

extension MeshMessage {
    /// The message's bytes, for a message that is kept as such inside another: a table's declaration.
    package func messageBytes() -> [UInt8] {
        Array(Payload(self).head.readableBytesView)
    }

    /// Reads a message of such bytes.
    package init(messageBytes: [UInt8]) throws(WireError) {
        var decoder = MessageDecoder(head: ByteBuffer(bytes: messageBytes))
        try self.init(from: &decoder)
    }
}
