import Coordination
import Identity
import MeshWire

/// Names and moments that the tests of this target share.
enum Example {
    static let workerA = identity("worker/a")
    static let workerB = identity("worker/b")

    static func identity(_ path: String) -> SPIFFEID {
        guard let id = SPIFFEID("spiffe://digits.example/\(path)") else { preconditionFailure("not a path: \(path)") }
        return id
    }

    static func second(_ seconds: Int64) -> RuntimeInstant { RuntimeInstant(nanoseconds: seconds * 1_000_000_000) }

    static func server(_ name: String, life: UInt64 = 1, identity path: String? = nil) -> ServerRecord {
        ServerRecord(
            name: name, host: "127.0.0.1", port: 7000, identity: identity(path ?? "server/\(name)"), life: life)
    }
}

/// Encodes and decodes a message.
func throughTheWire<Message: MeshMessage>(_ message: Message) throws(WireError) -> Message {
    try Payload(message).decode()
}
