import MeshWire
import NIOCore

/// The books of one direction of a connection, kept from its bytes alone as the protocol's page says: which frames may be
/// sent, on which credit, and how much is on its way and with the receiver.
struct WireBooks {
    /// A frame, taken apart as far as books need it.
    struct Frame {
        let kind: UInt8
        let stream: UInt32
        /// The payload without its checksum.
        let payload: ByteBuffer

        /// What it takes of its sender's credit.
        var cost: Int {
            switch kind {
            case FrameKind.message.rawValue: 256 + payload.readableBytes
            case FrameKind.data.rawValue: payload.readableBytes
            default: 0
            }
        }
    }

    private static let largestPayload = 262_132
    private static let largestControl = 8_192
    private static let inlineBytes = 16_384

    /// The kinds that this side may send, with all features.
    let kinds: Set<FrameKind>
    /// What both sides share.
    let features: Features
    private var sending = FrameReader()
    private var arriving = FrameReader()
    /// What the receiver's hello has said, once it has arrived.
    private var initial: (stream: Int, connection: Int)?
    private var credit: [UInt32: Int] = [:]
    private(set) var onItsWay = 0
    private var mostOnItsWay = Int.max

    init(kinds: Set<FrameKind>, features: Features) {
        self.kinds = kinds
        self.features = features
    }

    /// Enters what the sender hands to the network.
    mutating func sent(_ bytes: ByteBuffer) throws {
        for frame in try sending.frames(in: bytes, hasChecksums: features.contains(.checksums)) {
            guard let kind = FrameKind(rawValue: frame.kind), kinds.contains(kind) else {
                throw Divergence(description: "a frame of kind \(frame.kind) was sent")
            }
            let carriesMessage = [.request, .response, .data, .message, .metadata].contains(kind)
            guard frame.payload.readableBytes <= (carriesMessage ? Self.largestPayload : Self.largestControl) else {
                throw Divergence(description: "a \(kind) frame has \(frame.payload.readableBytes) bytes")
            }
            guard features.contains(.streams) else {
                guard frame.kind <= 7 || frame.kind >= 12 else {
                    throw Divergence(description: "a \(kind) frame was sent to a peer that knows none")
                }
                continue
            }
            try spend(frame, kind)
        }
    }

    private mutating func spend(_ frame: Frame, _ kind: FrameKind) throws {
        if [.request, .response, .message].contains(kind), try inline(frame) > Self.inlineBytes {
            throw Divergence(description: "\(try inline(frame)) bytes of a message came with a \(kind) frame")
        }
        guard frame.cost > 0 else { return }
        guard let initial else { throw Divergence(description: "a \(kind) frame came before the peer's hello") }
        for (stream, before) in [(0, initial.connection), (frame.stream, initial.stream)] {
            let left = credit[stream, default: before] - frame.cost
            guard left >= 0 else {
                throw Divergence(description: "\(-left) bytes on stream \(stream) are on no credit")
            }
            credit[stream] = left
        }
        onItsWay += frame.cost
        guard onItsWay <= mostOnItsWay else { throw Divergence(description: "\(onItsWay) bytes are on their way") }
    }

    /// Enters what has reached the receiver.
    ///
    /// - Returns: the frames that are complete now.
    mutating func arrived(_ bytes: ByteBuffer) throws -> [Frame] {
        let frames = try arriving.frames(in: bytes, hasChecksums: features.contains(.checksums))
        if features.contains(.streams) { for frame in frames { onItsWay -= frame.cost } }
        return frames
    }

    /// Enters what the receiver says to this direction's sender, as it arrives there.
    mutating func told(_ frame: Frame) throws {
        switch FrameKind(rawValue: frame.kind) {
        case .hello:
            let hello = try Payload(head: frame.payload).decode(as: Hello.self)
            initial = (hello.streamCredit, hello.connectionCredit)
            mostOnItsWay = hello.connectionCredit
        case .credit:
            guard let initial, let more = frame.payload.getInteger(at: frame.payload.readerIndex, as: UInt32.self)
            else {
                throw Divergence(description: "credit came before the hello, or of no bytes")
            }
            credit[frame.stream, default: frame.stream == 0 ? initial.connection : initial.stream] += Int(more)
        default:
            break
        }
    }

    /// The bytes of a message that a frame has.
    func messageBytes(of frame: Frame) throws -> Int {
        switch FrameKind(rawValue: frame.kind) {
        case .data: frame.payload.readableBytes
        case .request, .response, .message: try inline(frame)
        default: 0
        }
    }

    private func inline(_ frame: Frame) throws -> Int {
        var payload = frame.payload
        let head = Int(try payload.readVarint())
        return payload.readableBytes - head
    }
}

/// Cuts a side's bytes into frames: the preface first, then what their headers say.
private struct FrameReader {
    private var rest = ByteBuffer()
    private var hasPreface = false

    mutating func frames(in bytes: ByteBuffer, hasChecksums: Bool) throws -> [WireBooks.Frame] {
        rest.writeImmutableBuffer(bytes)
        var frames: [WireBooks.Frame] = []
        if !hasPreface {
            guard rest.readableBytes >= 8 else { return [] }
            rest.moveReaderIndex(forwardBy: 8)
            hasPreface = true
        }
        while let length = rest.getInteger(at: rest.readerIndex, as: UInt32.self),
            rest.readableBytes >= 12 + Int(length),
            let (_, kind, flags, zero, stream) = rest.readMultipleIntegers(
                as: (UInt32, UInt8, UInt8, UInt16, UInt32).self),
            var payload = rest.readSlice(length: Int(length))
        {
            // A frame that was written before the peer's hello was read has no checksum.
            guard zero == 0, flags == 1 ? hasChecksums : !hasChecksums || kind == 1 || kind == 7 else {
                throw Divergence(description: "a frame of kind \(kind) has flags \(flags) and reserved bits \(zero)")
            }
            if flags == 1 { payload = payload.readSlice(length: payload.readableBytes - 4) ?? ByteBuffer() }
            frames.append(WireBooks.Frame(kind: kind, stream: stream, payload: payload))
        }
        rest.discardReadBytes()
        return frames
    }
}
