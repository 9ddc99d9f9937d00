import Identity
import MeshTransport
import MeshWire
import MeshworkTesting

/// Text and a payload, sent back as they are.
struct Note: MeshMessage, Equatable {
    static let messageName = "test.Note"

    var text = ""
    var payload: [UInt8] = []

    init(_ text: String, payload: [UInt8] = []) {
        self.text = text
        self.payload = payload
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: text = try decoder.string()
            case 2:
                let segment = try decoder.segment()
                payload = unsafe segment.withUnsafeBytes { bytes in unsafe Array(bytes) }
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, text)
        if !payload.isEmpty { encoder.segment(2, Segment(copying: payload)) }
    }
}

enum Echo: MeshService {
    static let name: ServiceName = "test.Echo"
    static let echo = unary("Echo", Note.self, Note.self, retry: .idempotent)
    static let count = unary("Count", Note.self, Note.self, retry: .deduplicated)
    static let once = unary("Once", Note.self, Note.self, retry: .never)
    static let repeated = serverStreaming("Repeated", Note.self, Note.self, retry: .idempotent)
    static let joined = clientStreaming("Joined", Note.self, Note.self)
    static let chat = bidirectional("Chat", Note.self, Note.self)
}

extension AuthorizationPolicy {
    /// Lets everybody of the test's trust domain call everything.
    static func everything(in domain: TrustDomain) throws -> AuthorizationPolicy {
        try AuthorizationPolicy(rules: [
            Rule("test", methods: ["*"], identities: ["\(domain.id)/*"])
        ])
    }
}
