import Identity
import Logging
import MeshWire
import NIOCore
import Telemetry

/// Decides what an accepted connection speaks: by what the handshake agreed on or, where it agreed on nothing, by the
/// first bytes.
final class ProtocolSelectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let listener: ListenerCore
    private let remoteAddress: String
    private var channel: SecureChannel?
    private var received = ByteBuffer()
    private var isRefused = false
    private var timeout: Scheduled<Void>?
    /// When the handshake began, until it has ended.
    private var handshakeStart: RuntimeInstant?

    init(_ listener: ListenerCore, remoteAddress: String) {
        self.listener = listener
        self.remoteAddress = remoteAddress
    }

    func handlerAdded(context: ChannelHandlerContext) {
        handshakeStart = listener.server.runtime.now
        let limit = listener.server.configuration.handshakeTimeout.inNanoseconds
        let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timeout = context.eventLoop.scheduleTask(in: .nanoseconds(limit)) {
            let (handler, context) = handler.value
            let isEstablished = handler.channel != nil
            handler.handshakeEnded(.timeout, context)
            handler.refuse(context, isEstablished ? "no first bytes in time" : "the handshake took too long")
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timeout?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        handshakeEnded(.closed, context)
        context.fireChannelInactive()
    }

    private func handshakeEnded(_ result: HandshakeResult, _ context: ChannelHandlerContext) {
        guard let start = handshakeStart.take() else { return }
        listener.handshakeEnded(result, since: start, on: context.eventLoop)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .established(let channel)? = event as? SecureChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        self.channel = channel
        handshakeEnded(.ok, context)
        switch channel.applicationProtocol {
        case listener.meshProtocol?:
            become(.mesh, context)
        case ApplicationProtocol.http? where listener.httpAcceptor != nil:
            become(.http, context)
        case nil where !channel.offeredProtocols.isEmpty:
            // One that offers nothing leaves it to the first bytes; this one has said what it speaks.
            refuse(context, "offers \(channel.offeredProtocols.joined(separator: ", ")), which is not served here")
        case nil:
            break
        case let other?:
            if let wire = listener.wires.first(where: { $0.applicationProtocol == other }) {
                become(.wire(wire), context)
            } else {
                refuse(context, "agreed on \(other), which is not served here")
            }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Bytes still arrive while TLS is closed; nobody reads them.
        guard !isRefused else { return }
        received.writeImmutableBuffer(unwrapInboundIn(data))
        guard channel?.applicationProtocol == nil, let first = received.readableBytesView.first else { return }
        let answers = listener.wires.map { ($0, $0.begins(received)) }
        if first == Preface.bytes[0] {
            become(.mesh, context)
        } else if let (wire, _) = answers.first(where: { $0.1 == true }) {
            become(.wire(wire), context)
        } else if answers.contains(where: { $0.1 == nil }) {
            return
        } else if listener.httpAcceptor != nil, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) {
            become(.http, context)
        } else {
            refuse(context, "the first bytes are of no protocol that is served here")
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One failure often has several errors: the reason first, then what closing the connection brings.
        guard !isRefused else { return }
        isRefused = true
        handshakeEnded(HandshakeResult(error), context)
        listener.server.metrics.handshakeFailures.increment()
        listener.server.logger.warning(
            "handshake failed", metadata: ["address": "\(remoteAddress)", "error": "\(error)"])
        context.close(promise: nil)
    }

    private enum Choice {
        case mesh
        case wire(any WireProtocol)
        case http
    }

    private func become(_ choice: Choice, _ context: ChannelHandlerContext) {
        guard let channel else { return }
        let info = ConnectionInfo(
            peer: channel.peer?.spiffeID, tlsVersion: channel.tlsVersion, remoteAddress: remoteAddress,
            address: context.channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }, verified: channel.peer)
        let pipeline = context.pipeline.syncOperations
        let table = listener.server.table
        let number = table.opened(info, .inbound)
        context.channel.closeFuture.whenComplete { _ in table.closed(number) }
        do {
            let connection =
                switch choice {
                case .mesh: try listener.acceptMesh(context.channel, info, after: self)
                case .wire(let wire): try listener.accept(wire, context.channel, info, after: self)
                case .http: try listener.acceptHTTP(context.channel, info)
                }
            listener.opened(connection, info, on: context.channel, channel)
            if received.readableBytes > 0 {
                context.fireChannelRead(NIOAny(received))
                context.fireChannelReadComplete()
            }
            pipeline.removeHandler(context: context, promise: nil)
        } catch {
            refuse(context, "\(error)")
        }
    }

    private func refuse(_ context: ChannelHandlerContext, _ reason: String) {
        guard !isRefused else { return }
        isRefused = true
        listener.server.metrics.handshakeFailures.increment()
        listener.server.logger.warning(
            "connection refused",
            metadata: [
                "address": "\(remoteAddress)", "peer": "\(channel?.peer?.spiffeID.description ?? "none")",
                "reason": "\(reason)",
            ])
        context.close(promise: nil)
    }
}
