import MeshWire

/// A stream of a server's connection: a call of gRPC's, or a request that is left to somebody who speaks HTTP.
struct ServerStreamState: GRPCStreamState {
    var grpc: GRPCServerStreamState
    /// Set once the request has shown that it is no call.
    var plain: HTTPServerStreamState?

    init(grpc: GRPCServerStreamState) { self.grpc = grpc }

    var hasWrites: Bool { plain?.hasWrites ?? grpc.hasWrites }
    var needsWindow: Bool { plain?.needsWindow ?? grpc.needsWindow }
    var queuedBytes: Int { plain?.queuedBytes ?? grpc.queuedBytes }
    var unreadBytes: Int { plain?.unreadBytes ?? grpc.unreadBytes }
    var arrivingBytes: Int? { plain == nil ? grpc.arrivingBytes : nil }

    mutating func nextWrite(limit: Int) -> GRPCWrite? {
        plain == nil ? grpc.nextWrite(limit: limit) : plain?.nextWrite(limit: limit)
    }
}
