import MeshWire
package import NIOCore

/// Cuts one direction of a call into its messages, whatever pieces they arrive in, and decompresses them.
///
/// A message's length is checked before a byte of it is kept. One that arrives whole is handed out as a slice of what
/// was received. One that is compressed is decompressed when all of it is there: until then it holds no more than its
/// sender has sent.
package struct MessageReader {
    private enum State {
        case prefix
        case message(MessagePrefix, ByteBuffer)
        case broken
    }

    private let encoding: DeclaredEncoding
    private let limit: Int
    private let isServer: Bool
    private var pending = ByteBuffer()
    private var state = State.prefix
    private var inflater: Inflater?

    /// Reads messages of at most `limit` bytes, before and after decompression, whose sender declared `encoding`.
    package init(encoding: DeclaredEncoding, limit: Int, isServer: Bool) {
        self.encoding = encoding
        // A buffer holds no more than 2 GiB.
        self.limit = min(limit, Int(Int32.max))
        self.isServer = isServer
    }

    /// Takes bytes off the stream.
    package mutating func feed(_ bytes: ByteBuffer) {
        if case .broken = state { return }
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            pending.discardReadBytes()
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// True if the stream could end here without cutting a message short.
    package var isBetweenMessages: Bool {
        guard case .prefix = state else { return false }
        return pending.readableBytes == 0
    }

    /// The next message, or `nil` until more bytes arrive. Nothing is read after an error.
    package mutating func next() throws(GRPCStatus) -> ByteBuffer? {
        do throws(GRPCStatus) {
            let message = try advance()
            // Received memory is let go of: the connection receives into it again if nobody holds it.
            if pending.readableBytes == 0 { pending = ByteBuffer() }
            return message
        } catch {
            state = .broken
            pending = ByteBuffer()
            throw error
        }
    }

    /// The bytes that were fed and belong to no message that has begun.
    package var unreadBytes: Int { pending.readableBytes }

    /// The length of the message that is arriving, as its sender has announced it.
    package var arrivingBytes: Int? {
        if case .message(let prefix, _) = state { return prefix.length }
        return nil
    }

    private mutating func advance() throws(GRPCStatus) -> ByteBuffer? {
        if case .prefix = state {
            guard let prefix = try MessagePrefix(from: &pending) else { return nil }
            try check(prefix)
            state = .message(prefix, ByteBuffer())
        }
        guard case .message(let prefix, let collected) = state else { return nil }
        state = .prefix
        guard let whole = collect(into: collected, prefix) else { return nil }
        return prefix.isCompressed ? try inflate(whole) : whole
    }

    private func check(_ prefix: MessagePrefix) throws(GRPCStatus) {
        guard prefix.length <= limit else {
            throw GRPCStatus(
                .resourceExhausted, "a message of \(prefix.length) bytes is over the limit of \(limit)")
        }
        guard prefix.isCompressed else { return }
        switch encoding {
        case .known:
            break
        case .identity:
            throw GRPCStatus(.internalError, "a message is compressed, and no grpc-encoding was declared")
        case .unknown(let name):
            throw GRPCStatus(
                isServer ? .unimplemented : .internalError,
                "a message is compressed with \"\(name)\"; supported are \(MessageEncoding.accepted)")
        }
    }

    private mutating func collect(into collected: ByteBuffer, _ prefix: MessagePrefix) -> ByteBuffer? {
        let missing = prefix.length - collected.readableBytes
        if collected.readableBytes == 0, let whole = pending.readSlice(length: missing) { return whole }
        var collected = collected
        let count = min(missing, pending.readableBytes)
        // Room for a message that is promised, but not for all of a large one before it comes.
        if collected.readableBytes == 0 { collected.reserveCapacity(min(missing, 1 << 20)) }
        if var piece = pending.readSlice(length: count) { collected.writeBuffer(&piece) }
        guard count < missing else { return collected }
        state = .message(prefix, collected)
        return nil
    }

    private mutating func inflate(_ message: ByteBuffer) throws(GRPCStatus) -> ByteBuffer {
        guard case .known(let known) = encoding else {
            preconditionFailure("a compressed message of no known encoding was let through")
        }
        let inflater = self.inflater ?? Inflater(known, limit: limit)
        self.inflater = inflater
        do throws(InflaterError) {
            try inflater.append(message)
            return try inflater.finish()
        } catch {
            switch error {
            case .malformed:
                throw GRPCStatus(.internalError, "a message is not \(known.rawValue) data")
            case .tooLarge:
                throw GRPCStatus(.resourceExhausted, "a message decompresses to more than the limit of \(limit) bytes")
            case .outOfMemory:
                throw GRPCStatus(.resourceExhausted, "there is no memory to decompress a message")
            }
        }
    }
}
