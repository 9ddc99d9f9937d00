package import MeshWire
import NIOCore

extension GRPCRequestHead {
    /// The metadata key of ``/MeshWire/Deduplication``, encoded as on the other wire.
    private static let key = "meshwork-deduplication-bin"

    /// Which of a session's calls this is, for a deduplicated method. A client that is not this library's sends none.
    package var deduplication: Deduplication? {
        get {
            guard let bytes = metadata[bytes: Self.key] else { return nil }
            return try? Payload(head: ByteBuffer(bytes: bytes)).decode()
        }
        set {
            guard let newValue else { return }
            metadata.append(Metadata.Entry(key: Self.key, bytes: Array(Payload(newValue).head.readableBytesView)))
        }
    }
}
