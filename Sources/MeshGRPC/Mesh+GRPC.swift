public import MeshTransport
import MeshWire
import NIOCore
import NIOHTTP2

extension Mesh {
    /// Speaks gRPC as well: to clients of the listeners that are opened afterwards, and to servers that speak nothing
    /// better.
    ///
    /// The services stay as they are: what ``/MeshTransport/Mesh/serve(_:execution:deduplicated:_:)`` answers, it answers
    /// on both wires, under the same policy and with the same deadlines and measurements.
    ///
    /// ```swift
    /// let mesh = try Mesh(identity: source, policy: policy)
    /// try mesh.enableGRPC()
    /// mesh.serve(Scoring.score) { basket, call in try await model.score(basket) }
    /// try await mesh.listen(host: "::", port: 50051)      // for meshwork/1 and for gRPC
    /// ```
    /// - Throws: ``/MeshTransport/MeshError/Code/invalidConfiguration``.
    public func enableGRPC(_ configuration: GRPCConfiguration = GRPCConfiguration()) throws(MeshError) {
        try configuration.validate()
        add(GRPCWireProtocol(configuration: configuration, limits: limits, runtime: runtime))
    }
}

extension Destination {
    /// The same place, spoken to over gRPC and nothing else.
    ///
    /// In TLS the handshake finds out what a server speaks, and a Meshwork server is better spoken to in `meshwork/1`.
    /// Without TLS there is nothing that tells, and a server of gRPC must be named one.
    public var overGRPC: Destination {
        var destination = self
        destination.applicationProtocol = GRPCWireProtocol.name
        return destination
    }
}

/// gRPC, as a mesh knows it.
struct GRPCWireProtocol: WireProtocol {
    /// Its name in the TLS handshake (ALPN).
    static let name = "h2"

    let configuration: GRPCConfiguration
    let limits: WireLimits
    let runtime: any Runtime

    /// What a client of HTTP/2 says first (RFC 9113, 3.4).
    private static let preface = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

    var applicationProtocol: String { Self.name }

    func begins(_ bytes: ByteBuffer) -> Bool? {
        let expected = Self.preface.readableBytesView.prefix(bytes.readableBytes)
        guard bytes.readableBytesView.starts(with: expected) else { return false }
        return expected.count == Self.preface.readableBytes ? true : nil
    }

    func accept(
        _ channel: any Channel, _ calls: ServerCalls, after handler: any ChannelHandler
    ) throws -> any InboundConnection {
        let (coalescer, http2) = (WriteCoalescer(), http2(.server))
        let wire = GRPCServerWire(calls, configuration, limits, coalescer)
        // One after the other: each says something as soon as it is there, through those before it.
        let timeout = FrameTimeoutHandler(limit: limits.frameTimeout)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(coalescer, position: .after(handler))
        try pipeline.addHandler(timeout, position: .after(coalescer))
        try pipeline.addHandler(http2, position: .after(timeout))
        try pipeline.addHandler(EarlyAcknowledgementHandler(), position: .after(timeout))
        try pipeline.addHandler(wire, position: .after(http2))
        return wire
    }

    func connect(
        _ channel: any Channel, _ delegate: any ClientWireDelegate, before handler: any ChannelHandler
    ) throws -> any ClientWire {
        let wire = GRPCClientWire(
            configuration, limits, executor: runtime.loopExecutor(for: channel.eventLoop), delegate: delegate)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(WriteCoalescer(), position: .before(handler))
        try pipeline.addHandler(http2(.client), position: .before(handler))
        try pipeline.addHandler(wire, position: .before(handler))
        return wire
    }

    private func http2(_ mode: NIOHTTP2Handler.ParserMode) -> NIOHTTP2Handler {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .initialWindowSize, value: limits.streamCredit),
            // Metadata and a status's details, each with the third that base64 adds to bytes, and what stands beside them.
            HTTP2Setting(parameter: .maxHeaderListSize, value: 3 * limits.metadataBytes + (8 << 10)),
            HTTP2Setting(parameter: .maxConcurrentStreams, value: mode == .server ? limits.concurrentCalls : 0),
        ]
        if mode == .client { connection.initialSettings.append(HTTP2Setting(parameter: .enablePush, value: 0)) }
        // The streams' states look at header fields themselves.
        connection.headerBlockValidation = .disabled
        // Clients that measure the bandwidth ping ten times a second, and those with short deadlines reset often; both
        // are far from a flood.
        connection.controlFrameRateLimit.maximumCount = 1_000
        connection.controlFrameRateLimit.windowLength = .seconds(10)
        connection.maximumBufferedControlFrames = 1_000
        connection.maximumConnectionGlitches = 10_000
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = max(1_000, limits.concurrentCalls)
        stream.streamResetFrameRateLimit.windowLength = .seconds(10)
        stream.streamErrorRateLimit.maximumCount = 1_000
        stream.streamErrorRateLimit.windowLength = .seconds(10)
        return NIOHTTP2Handler(mode: mode, connectionConfiguration: connection, streamConfiguration: stream)
    }
}
