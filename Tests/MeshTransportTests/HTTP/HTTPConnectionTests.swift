import Identity
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct HTTPConnectionTests {
    /// Counts what it is asked to close, and does it or not.
    private struct Acceptor: HTTPAcceptor {
        let isObedient: Bool
        let asked = Tally()

        final class Handler: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            private let acceptor: Acceptor
            private let gate: HTTPGate

            init(_ acceptor: Acceptor, _ gate: HTTPGate) {
                self.acceptor = acceptor
                self.gate = gate
            }

            func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
                guard event is ChannelShouldQuiesceEvent else { return }
                #expect(gate.isDraining)
                acceptor.asked.add()
                if acceptor.isObedient { context.close(promise: nil) }
            }
        }

        func accept(_ channel: any Channel, _ connection: ConnectionInfo, gate: HTTPGate) throws {
            #expect(!gate.isDraining)
            try channel.pipeline.syncOperations.addHandler(Handler(self, gate))
        }
    }

    @Test(
        "an HTTP connection ends with a certificate, or after the drain time if it does not by itself",
        arguments: [true, false])
    func expiry(isObedient: Bool) async throws {
        try await Simulated.run { simulation in
            let (authority, runtime) = (simulation.authority, simulation.runtime)
            let acceptor = Acceptor(isObedient: isObedient)
            let server = try await simulation.server { $0.serveHTTP(acceptor) }
            let security = ChannelSecurity(
                role: .client(serverName: nil), identity: try authority.identity("/client", lifetime: .seconds(300)),
                trust: .bundle, expectation: .anyTrusted, applicationProtocols: [ApplicationProtocol.http],
                verifier: try PeerVerifier(), runtime: runtime)
            let channel = try await runtime.network.connect(
                to: .tcp(host: "server", port: 1_000), on: runtime.eventLoopGroup.next(), timeout: .seconds(5)
            ) { channel in
                channel.eventLoop.makeCompletedFuture { try security.install(on: channel) }
            }.get()
            try await runtime.sleep(for: .seconds(315))
            #expect(server.connections.count == 1)
            #expect(acceptor.asked.count == 0)
            // The certificate's end and the clocks' difference are over, the drain time is not.
            try await runtime.sleep(for: .seconds(10))
            #expect(acceptor.asked.count == 1)
            #expect(server.connections.count == (isObedient ? 0 : 1))
            try await runtime.sleep(for: .seconds(10))
            #expect(server.connections.isEmpty)
            let isActive = channel.isActive
            #expect(!isActive)
            await server.stop()
        }
    }
}
