import Identity
package import MeshWire

/// A session's id inside another message.
package struct SessionReference: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.SessionReference"

    package var session: SessionID

    package init(_ session: SessionID) { self.session = session }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        while let field = try decoder.nextField() {
            switch field {
            case 1: high = try decoder.fixed64()
            case 2: low = try decoder.fixed64()
            default: break
            }
        }
        session = SessionID(high: high, low: low)
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.fixed64(1, session.high)
        encoder.fixed64(2, session.low)
    }
}

extension MessageDecoder {
    /// Reads a SPIFFE ID's text.
    mutating func spiffeID() throws(WireError) -> SPIFFEID {
        let text = try string()
        do {
            return try SPIFFEID(parsing: text)
        } catch {
            throw WireError(.malformed, "expected a SPIFFE ID, found \(text.prefix(80).debugDescription)")
        }
    }
}
