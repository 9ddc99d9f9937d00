import MeshTransport
import MeshWire

/// Where a subscriber stands: sent when it begins to follow, and again for each version that it was sent.
struct SubscriberState: MeshMessage, Hashable {
    static let messageName = "meshwork.control.SubscriberState"

    /// The digest of the document that it goes by; empty for none of a control server's.
    var inForce: [UInt8] = []
    /// The digest of the last document that it has refused since; empty for none.
    var refused: [UInt8] = []
    /// Why it has.
    var reason = ""

    /// The longest reason that is sent or kept.
    static let longestReason = 4_096

    init() {}

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: inForce = try decoder.bytes()
            case 2: refused = try decoder.bytes()
            case 3: reason = try decoder.string()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.bytes(1, inForce)
        encoder.bytes(2, refused)
        encoder.string(3, reason)
    }
}

/// A version of the configuration.
struct ConfigurationPush: MeshMessage, Hashable {
    static let messageName = "meshwork.control.ConfigurationPush"

    /// YAML, as in a file.
    var document: [UInt8] = []

    init(document: [UInt8]) { self.document = document }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: document = try decoder.bytes()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.bytes(1, document) }
}
