/// What stands before one of a stream's several messages.
struct MessageHead: MeshMessage {
    static let messageName = "meshwork.wire.MessageHead"

    var layout: PayloadLayout

    init(layout: PayloadLayout) { self.layout = layout }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        layout = PayloadLayout()
        while let field = try decoder.nextField() {
            switch field {
            case 5: layout.headLength = try decoder.count()
            case 6: layout.segments.append(try decoder.message(), upTo: WireLimits.mostEntries)
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(5, UInt64(layout.headLength))
        for segment in layout.segments { encoder.message(6, segment) }
    }
}

/// The message that a `metadata` frame carries.
struct ResponseMetadata: MeshMessage {
    static let messageName = "meshwork.wire.ResponseMetadata"

    var metadata: Metadata

    init(_ metadata: Metadata) { self.metadata = metadata }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        metadata = Metadata()
        while let field = try decoder.nextField() {
            if field == 4 { metadata.append(try decoder.message(), upTo: WireLimits.mostEntries) }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for entry in metadata { encoder.message(4, entry) }
    }
}
