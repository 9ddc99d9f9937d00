import Identity
import MeshWire
import NIOCore

/// The handshake of a simulated network: each side shows its certificates and its protocols, and the other runs the
/// real verifier on them. There are no records, as there is no one to hide from, and no proof that the peer holds the
/// key, as a simulation has no one who lies.
final class SimulatedHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let security: ChannelSecurity
    private let snapshot: IdentitySnapshot?
    private var received = ByteBuffer()
    private var isJudging = false

    init(security: ChannelSecurity, snapshot: IdentitySnapshot?) {
        self.security = security
        self.snapshot = snapshot
    }

    func channelActive(context: ChannelHandlerContext) {
        var frame = ByteBuffer()
        frame.writeLengthPrefixed(encode())
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
        guard !isJudging, let greeting = received.readLengthPrefixed() else { return }
        isJudging = true
        let hello: Greeting
        do {
            hello = try Payload(head: greeting).decode(as: Greeting.self)
        } catch {
            return context.fireErrorCaught(error)
        }
        guard security.requiresPeer else { return complete(context, peer: nil, hello) }
        let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        // The channel waits for the verdict; the task ends with it.
        security.runtime.spawn(on: security.runtime.loopExecutor(for: context.eventLoop)) {
            let (handler, context) = handler.value
            do throws(MeshError) {
                let peer = try await handler.security.verify(hello.chain, against: handler.snapshot)
                handler.complete(context, peer: peer, hello)
            } catch {
                context.fireErrorCaught(error)
                context.close(promise: nil)
            }
        }
    }

    private func complete(_ context: ChannelHandlerContext, peer: VerifiedPeer?, _ hello: Greeting) {
        // The channel may have closed while the verdict was awaited.
        guard context.channel.isActive else { return }
        let shared = security.applicationProtocols.first(where: hello.protocols.contains)
        let channel = SecureChannel(
            peer: peer, chain: hello.chain, own: snapshot, applicationProtocol: shared, tlsVersion: "simulated")
        context.fireUserInboundEventTriggered(SecureChannelEvent.established(channel))
        if received.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(received)) }
        received.clear()
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func encode() -> ByteBuffer {
        Payload(Greeting(chain: snapshot?.svid.chain ?? [], protocols: security.applicationProtocols)).head
    }
}

/// What a side shows in a simulated handshake.
private struct Greeting: MeshMessage {
    static let messageName = "meshwork.simulation.Greeting"

    var chain: [[UInt8]]
    var protocols: [String]

    init(chain: [[UInt8]], protocols: [String]) {
        self.chain = chain
        self.protocols = protocols
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(chain: [], protocols: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: chain.append(try decoder.bytes())
            case 2: protocols.append(try decoder.string())
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for certificate in chain { encoder.repeatedBytes(1, certificate) }
        for name in protocols { encoder.repeatedString(2, name) }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeLengthPrefixed(_ bytes: ByteBuffer) {
        writeInteger(UInt32(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }

    fileprivate mutating func readLengthPrefixed() -> ByteBuffer? {
        guard let length = getInteger(at: readerIndex, as: UInt32.self), readableBytes >= 4 + Int(length) else {
            return nil
        }
        moveReaderIndex(forwardBy: 4)
        return readSlice(length: Int(length))
    }
}
