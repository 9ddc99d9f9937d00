package import Identity
package import NIOCore
import NIOPosix
import NIOSSL

/// A TLS server without a mesh, on loopback: what it says to whoever connects is a handler's.
package struct RawListener {
    private let channel: any Channel
    package var port: Int { channel.localAddress?.port ?? 0 }

    /// Listens with the certificate of `identity`; anybody may connect, and has a handler of its own.
    package static func start(
        as identity: WorkloadIdentity, applicationProtocols: [String],
        _ handler: @escaping @Sendable () -> any ChannelInboundHandler
    ) async throws -> RawListener {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [], privateKey: .privateKey(try NIOSSLPrivateKey(identity)))
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = applicationProtocols
        try configuration.show(identity)
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandlers([NIOSSLServerHandler(context: context), handler()])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawListener(channel: channel)
    }

    package func stop() async { try? await channel.close() }
}

extension TLSConfiguration {
    mutating func show(_ identity: WorkloadIdentity) throws {
        certificateChain = try identity.chain.map { .certificate(try NIOSSLCertificate(bytes: $0, format: .der)) }
        privateKey = .privateKey(try NIOSSLPrivateKey(identity))
    }
}

extension NIOSSLPrivateKey {
    fileprivate convenience init(_ identity: WorkloadIdentity) throws {
        try self.init(bytes: identity.withPrivateKeyDER { $0 }, format: .der)
    }
}
