import NIOCore

/// Reads a client's hello, as far as it takes to know the application protocols that it offers (RFC 8446, 4.1.2, and
/// RFC 7301, 3.1): NIOSSL tells only of those that both sides have. No I/O.
struct ClientHello {
    /// The largest hello that is looked at; what is larger, TLS may judge.
    private static let largest = 64 << 10
    private static let handshakeRecord: UInt8 = 22
    private static let clientHello: UInt8 = 1
    private static let protocolsExtension: UInt16 = 16

    private var records = ByteBuffer()
    private var message = ByteBuffer()
    /// Whether there is nothing more to learn.
    private(set) var isOver = false
    /// The protocols that the client offers; empty while unknown.
    private(set) var protocols: [String] = []

    mutating func receive(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        records.writeImmutableBuffer(bytes)
        while let record = nextRecord() { message.writeImmutableBuffer(record) }
        if let (type, length) = message.messageHeader() {
            guard type == Self.clientHello else { return end() }
            if var body = message.getSlice(at: message.readerIndex + 4, length: length) {
                protocols = Self.protocols(&body) ?? []
                return end()
            }
        }
        // No TLS, or too much of it.
        let isTLS = records.readableBytesView.first.map { $0 == Self.handshakeRecord } ?? true
        if !isTLS || message.readableBytes + records.readableBytes > Self.largest { end() }
    }

    /// The fragment in the next whole record.
    private mutating func nextRecord() -> ByteBuffer? {
        guard records.readableBytesView.first == Self.handshakeRecord,
            let length = records.getInteger(at: records.readerIndex + 3, as: UInt16.self),
            records.readableBytes >= 5 + Int(length)
        else { return nil }
        records.moveReaderIndex(forwardBy: 5)
        return records.readSlice(length: Int(length))
    }

    private mutating func end() {
        isOver = true
        records = ByteBuffer()
        message = ByteBuffer()
    }

    /// The names in the extension, if there is one and all is well with it.
    private static func protocols(_ body: inout ByteBuffer) -> [String]? {
        // Version and random; session id, cipher suites and compression methods.
        guard body.readSlice(length: 34) != nil, body.readVector(as: UInt8.self) != nil,
            body.readVector(as: UInt16.self) != nil, body.readVector(as: UInt8.self) != nil,
            var extensions = body.readVector(as: UInt16.self)
        else { return nil }
        while let type: UInt16 = extensions.readInteger(), var content = extensions.readVector(as: UInt16.self) {
            guard type == protocolsExtension, var list = content.readVector(as: UInt16.self) else { continue }
            var names: [String] = []
            while let name = list.readVector(as: UInt8.self) { names.append(String(buffer: name)) }
            return names
        }
        return nil
    }
}

extension ByteBuffer {
    /// Bytes behind their count.
    fileprivate mutating func readVector<Count: FixedWidthInteger>(as type: Count.Type) -> ByteBuffer? {
        readInteger(as: type).flatMap { readSlice(length: Int($0)) }
    }

    /// A handshake message's type and length.
    fileprivate func messageHeader() -> (type: UInt8, length: Int)? {
        guard let word = getInteger(at: readerIndex, as: UInt32.self) else { return nil }
        return (UInt8(word >> 24), Int(word & 0xFF_FFFF))
    }
}

/// Looks at a client's hello on its way to TLS, and goes when it has been read.
final class ClientHelloHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let handshake: HandshakeState
    private var hello = ClientHello()

    /// - Parameter handshake: is told of the protocols that the client offers.
    init(_ handshake: HandshakeState) { self.handshake = handshake }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hello.receive(unwrapInboundIn(data))
        handshake.offeredProtocols = hello.protocols
        context.fireChannelRead(data)
        if hello.isOver { context.pipeline.syncOperations.removeHandler(context: context, promise: nil) }
    }
}
