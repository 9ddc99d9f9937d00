/// What a client says of a method before its first call on a connection; later calls name it by number.
package struct MethodDeclaration: MeshMessage, Hashable {
    package static let messageName = "meshwork.wire.MethodDeclaration"

    package var number: UInt32
    /// `service/method`.
    package var path: String
    package var requestName: String
    package var responseName: String
    package var kind: CallKind

    package init(
        number: UInt32, path: String, requestName: String, responseName: String, kind: CallKind = .unary
    ) {
        self.kind = kind
        self.number = number
        self.path = path
        self.requestName = requestName
        self.responseName = responseName
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(number: 0, path: "", requestName: "", responseName: "")
        while let field = try decoder.nextField() {
            switch field {
            case 1: number = try decoder.uint32()
            case 2: path = try decoder.string()
            case 3: requestName = try decoder.string()
            case 4: responseName = try decoder.string()
            case 5:
                let value = try decoder.uint32()
                guard let known = CallKind(rawValue: value) else {
                    throw WireError(.malformed, "call kind \(value) is unknown")
                }
                kind = known
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, number)
        encoder.string(2, path)
        encoder.string(3, requestName)
        encoder.string(4, responseName)
        encoder.uint32(5, kind.rawValue)
    }
}

/// The message that a `goAway` frame carries.
package struct GoAway: MeshMessage, Hashable {
    package static let messageName = "meshwork.wire.GoAway"

    /// Streams above this one were not taken and may be tried elsewhere.
    package var lastStream: StreamID
    package var reason: String

    package init(lastStream: StreamID, reason: String) {
        self.lastStream = lastStream
        self.reason = reason
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(lastStream: .connection, reason: "")
        while let field = try decoder.nextField() {
            switch field {
            case 1: lastStream = StreamID(rawValue: try decoder.uint32())
            case 2: reason = try decoder.string()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, lastStream.rawValue)
        encoder.string(2, reason)
    }
}
