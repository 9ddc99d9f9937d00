public import Identity
public import MeshWire

/// A server that hosts partitions: where it is and who it is.
public struct ServerRecord: Sendable, Hashable {
    /// Its name in the partition map, which it keeps over restarts.
    public var name: String
    /// Where its mesh listens: a host name or an IP address.
    public var host: String
    /// The TCP port.
    public var port: Int
    /// The identity that it proves.
    public var identity: SPIFFEID
    /// Which life of it this is: random bits that it draws when it starts. What it held in memory is gone with an
    /// earlier one.
    public var life: UInt64
    /// The functions that its host has registered with it, as `name@version`, in order.
    public var functions: [String]

    /// Makes a record.
    public init(
        name: String, host: String, port: Int, identity: SPIFFEID, life: UInt64, functions: [String] = []
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.identity = identity
        self.life = life
        self.functions = functions
    }
}

extension ServerRecord: MeshMessage {
    /// `meshwork.coordination.ServerRecord`.
    public static let messageName = "meshwork.coordination.ServerRecord"

    /// Reads the record.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var (name, host, port, life) = ("", "", 0, UInt64(0))
        var identity: SPIFFEID?
        var functions: [String] = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: name = try decoder.string()
            case 2: host = try decoder.string()
            case 3: port = try decoder.count()
            case 4: identity = try decoder.spiffeID()
            case 5: life = try decoder.fixed64()
            case 6: functions.append(try decoder.string())
            default: break
            }
        }
        guard let identity else { throw WireError(.malformed, "server \(name) has no identity") }
        self.init(name: name, host: host, port: port, identity: identity, life: life, functions: functions)
    }

    /// Writes the record.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, name)
        encoder.string(2, host)
        encoder.uint64(3, UInt64(port))
        encoder.string(4, identity.description)
        encoder.fixed64(5, life)
        for function in functions { encoder.repeatedString(6, function) }
    }
}
