package import MeshWire

/// A life of a server, by the server's name: what a sign of life names, and what a report of a loss does.
package struct ServerLife: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.ServerLife"

    package var name: String
    package var life: UInt64

    package init(name: String, life: UInt64) {
        self.name = name
        self.life = life
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(name: "", life: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: name = try decoder.string()
            case 2: life = try decoder.fixed64()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, name)
        encoder.fixed64(2, life)
    }
}

/// How long a server counts as living after its sign of life, and when it is to give the next one.
package struct RenewedServer: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.RenewedServer"

    package var lease: Duration
    package var heartbeat: Duration

    package init(lease: Duration, heartbeat: Duration) {
        self.lease = lease
        self.heartbeat = heartbeat
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(lease: .zero, heartbeat: .zero)
        while let field = try decoder.nextField() {
            switch field {
            case 1: lease = .microseconds(Int64(clamping: try decoder.uint64()))
            case 2: heartbeat = .microseconds(Int64(clamping: try decoder.uint64()))
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(max(0, lease.inMicroseconds)))
        encoder.uint64(2, UInt64(max(0, heartbeat.inMicroseconds)))
    }
}
