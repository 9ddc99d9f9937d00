import MeshWire
import NIOCore
import TestSupport

/// What the two sides write, and what reaches them.
extension ModelledConnection {
    /// Puts the client's next bytes into the pipe; false if there are none.
    @discardableResult
    mutating func writeFromClient() throws -> Bool {
        guard let bytes = client.nextWrite() else { return false }
        let sent = clientSide.isGreeted ? bytes : try greeting(bytes)
        clientSide.isGreeted = true
        try serverSide.books.sent(sent)
        serverSide.pipe.writeImmutableBuffer(sent)
        for stream in client.relievedStreams() { clientSide.full.remove(stream) }
        return true
    }

    /// Puts the server's next bytes into the pipe; false if there are none.
    @discardableResult
    mutating func writeFromServer() throws -> Bool {
        guard let bytes = server.nextWrite() else { return false }
        let sent = serverSide.isGreeted ? bytes : try greeting(bytes)
        serverSide.isGreeted = true
        try clientSide.books.sent(sent)
        clientSide.pipe.writeImmutableBuffer(sent)
        for stream in server.relievedStreams() { serverSide.full.remove(stream) }
        while let event = server.admitted() { try told(event) }
        return true
    }

    /// A side's first bytes, with the hello of one that has only the features of the run.
    private func greeting(_ bytes: ByteBuffer) throws -> ByteBuffer {
        var rest = bytes
        guard let preface = rest.readSlice(length: Preface.bytes.count), let header = try FrameHeader(from: &rest),
            let payload = rest.readSlice(length: header.payloadLength)
        else { throw Divergence(description: "a side does not begin with preface and hello") }
        var hello = try Payload(head: payload).decode(as: Hello.self)
        hello.features.formIntersection(features)
        let encoded = Payload(hello).head
        var greeting = preface
        FrameHeader(kind: .hello, stream: .connection, payloadLength: encoded.readableBytes).write(to: &greeting)
        greeting.writeImmutableBuffer(encoded)
        greeting.writeImmutableBuffer(rest)
        return greeting
    }

    /// Enters what reaches the server in the books.
    mutating func enterAtServer(_ bytes: ByteBuffer) throws -> [WireBooks.Frame] {
        guard !serverSide.isCorrupted else { return [] }
        let frames = try serverSide.books.arrived(bytes)
        for frame in frames {
            try clientSide.books.told(frame)
            let stream = StreamID(rawValue: frame.stream)
            // A call that is being opened in these bytes is not known yet.
            let isOpening = frame.kind == FrameKind.request.rawValue || serverSide.held[stream] != nil
            guard let call = calls[stream], call.isServed || call.service == .unseen && isOpening else { continue }
            serverSide.held[stream, default: 0] += try serverSide.books.messageBytes(of: frame)
        }
        return frames
    }

    /// Enters what reaches the client in the books.
    mutating func enterAtClient(_ bytes: ByteBuffer) throws {
        guard !clientSide.isCorrupted else { return }
        for frame in try clientSide.books.arrived(bytes) {
            try serverSide.books.told(frame)
            let stream = StreamID(rawValue: frame.stream)
            guard calls[stream]?.isOpen == true else { continue }
            clientSide.held[stream, default: 0] += try clientSide.books.messageBytes(of: frame)
        }
    }

    /// Changes a byte that is on its way after both hellos; false if there is none.
    mutating func corrupt() -> Bool {
        guard clientSide.isEstablished, serverSide.isEstablished else { return false }
        if generator.next() % 2 == 0 {
            serverSide.isCorrupted = serverSide.pipe.changeByte(&generator)
            return serverSide.isCorrupted
        }
        clientSide.isCorrupted = clientSide.pipe.changeByte(&generator)
        return clientSide.isCorrupted
    }

    /// Loses the connection: some of what is on its way arrives yet, and then nothing.
    mutating func lose() throws {
        try deliverToServer(serverSide.pipe.takePiece(&generator))
        if !isBroken { try deliverToClient(clientSide.pipe.takePiece(&generator)) }
        try end()
    }

    /// Tells both sides that nothing more comes. What is open stays without an answer, and nothing else does.
    mutating func end() throws {
        for error in [
            wireError { () throws(WireError) in try server.end() },
            wireError { () throws(WireError) in try client.end() },
        ] {
            try require(error == nil || error == .truncated, "the end of the connection is \(error!)")
        }
        try compare()
        for (stream, call) in calls where call.isOpen { calls[stream]?.end = .lost }
        for (stream, call) in calls where call.end == .answered {
            try require(!call.isServed, "\(stream) was answered and is \(call.service)")
        }
    }
}

extension ByteBuffer {
    /// All bytes, in memory of their own.
    mutating func takeAll() -> ByteBuffer {
        defer { clear() }
        return ByteBuffer(bytes: readableBytesView)
    }

    /// Changes one bit or several of one byte; false if there is none.
    fileprivate mutating func changeByte(_ generator: inout SeededGenerator) -> Bool {
        guard readableBytes > 0 else { return false }
        let index = readerIndex + Int(generator.next() % UInt64(readableBytes))
        let change = generator.next() % 2 == 0 ? UInt8(1) << (generator.next() % 8) : UInt8(generator.next() % 255) + 1
        setInteger((getInteger(at: index, as: UInt8.self) ?? 0) ^ change, at: index)
        return true
    }
}
