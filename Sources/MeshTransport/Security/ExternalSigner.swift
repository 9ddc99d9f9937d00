import Identity
import MeshWire
import NIOCore
import NIOSSL

/// A private key that is held elsewhere, as NIOSSL asks it: once for each handshake.
struct ExternalSigner: NIOSSLCustomPrivateKey, Hashable {
    private let identity: WorkloadIdentity
    private let handshake: HandshakeState
    private let runtime: any Runtime

    /// - Parameter handshake: hears why the key did not sign, which TLS has no word for.
    init(identity: WorkloadIdentity, _ handshake: HandshakeState, _ runtime: any Runtime) {
        self.identity = identity
        self.handshake = handshake
        self.runtime = runtime
    }

    var signatureAlgorithms: [SignatureAlgorithm] {
        [identity.keyAlgorithm == .ed25519 ? .ed25519 : .ecdsaSecp256R1Sha256]
    }

    func sign(channel: any Channel, algorithm: SignatureAlgorithm, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        let promise = channel.eventLoop.makePromise(of: ByteBuffer.self)
        // The handshake waits for the signature, on the channel's loop; the task ends with it, or is cancelled with the
        // connection.
        let task = runtime.spawn(on: runtime.loopExecutor(for: channel.eventLoop)) {
            do throws(IdentityError) {
                promise.succeed(ByteBuffer(bytes: try await identity.sign(Array(data.readableBytesView))))
            } catch {
                handshake.failure = MeshError(
                    .connectFailed, "this side cannot prove its identity: \(error.message)", progress: .notSent,
                    cause: error)
                promise.fail(error)
            }
        }
        channel.closeFuture.whenComplete { _ in task.cancel() }
        return promise.futureResult
    }

    /// TLS 1.3 decrypts nothing with it.
    func decrypt(channel: any Channel, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        channel.eventLoop.makeFailedFuture(
            IdentityError(.keyMismatch, "the key of \(identity.spiffeID) signs and does not decrypt"))
    }

    static func == (left: ExternalSigner, right: ExternalSigner) -> Bool { left.identity == right.identity }

    func hash(into hasher: inout Hasher) { hasher.combine(identity) }
}
