import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// Peers that do not answer, or take none of their answers: a server lets go of them and says who they were.
@Suite(.timeLimit(.minutes(2))) struct SilentPeerTests {
    private func configuration(asking interval: Duration = .milliseconds(50)) -> MeshConfiguration {
        var configuration = MeshConfiguration.patient
        var keepAlive = KeepAliveConfiguration()
        (keepAlive.interval, keepAlive.timeout) = (interval, .milliseconds(200))
        configuration.keepAlive = keepAlive
        return configuration
    }

    /// The frames that follow a server's greeting.
    private func frames(_ bytes: [UInt8]) -> [FrameKind] {
        var buffer = ByteBuffer(bytes: bytes.dropFirst(RawBytes.serverGreetingBytes))
        var kinds: [FrameKind] = []
        while let header = try? FrameHeader(from: &buffer), buffer.readSlice(length: header.payloadLength) != nil {
            kinds.append(header.kind)
        }
        return kinds
    }

    @Test("a client with an open call that does not answer a ping loses its connection, and no other does")
    func answersNoPing() async throws {
        let loopback = try await Loopback.start(configuration: configuration()) { mesh in
            mesh.serve(Echo.echo) { note, _ in
                if note.text == "wait" { try await Task.sleep(for: .seconds(600)) }
                return note
            }
        }
        let client = try loopback.client()
        // It answers pings, and so may wait for longer than a silent one.
        async let patient = meshError {
            _ = try await client.call(Echo.echo, Note("wait"), timeout: .milliseconds(1_500))
        }
        var bytes = RawBytes(features: true)
        bytes.declare()
        bytes.request(1, Note("wait"))
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/silent"))
        await raw.send(bytes.bytes)
        let received = await raw.untilClosed()
        #expect(frames(received) == [.ping])
        let record = await loopback.log.first("peer does not answer")
        #expect(record.level == .warning)
        #expect(record.metadata["peer"] == "spiffe://test.example/silent")
        #expect(record.metadata["error"]?.contains("did not answer") == true)
        #expect(await patient?.code == .deadlineExceeded)
        #expect(loopback.log.all("peer does not answer").count == 1)
        client.close()
        await loopback.server.stop()
    }

    @Test("a client that takes none of its answers loses its connection, and others are served meanwhile")
    func takesNoAnswers() async throws {
        var configuration = configuration()
        configuration.limits.queuedReplyBytes = 1 << 20
        let large = Array(repeating: UInt8(7), count: 200_000)
        let loopback = try await Loopback.start(configuration: configuration) { mesh in
            mesh.serve(Echo.echo) { note, _ in Note("", payload: note.text == "x" ? [] : large) }
        }
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/deaf"))
        var opening = RawBytes()
        opening.declare()
        await raw.send(opening.bytes)
        _ = await raw.received(RawBytes.greetingBytes(limits: configuration.limits))
        try await raw.setReading(false)
        var calls = RawBytes()
        calls.bytes = []
        for number in 0..<400 as Range<UInt32> { calls.request(2 * number + 1, Note("large")) }
        async let sent: Void = raw.send(calls.bytes)
        let client = try loopback.client()
        for _ in 0..<50 { #expect(try await client.call(Echo.echo, Note("x")) == Note("")) }
        let record = await loopback.log.first("peer does not answer")
        #expect(record.metadata["peer"] == "spiffe://test.example/deaf")
        #expect(record.metadata["error"]?.contains("taken none of its answers") == true)
        try await raw.setReading(true)
        await raw.untilClosed()
        await sent
        #expect(try await client.call(Echo.echo, Note("x")) == Note(""))
        client.close()
        await loopback.server.stop()
    }
}
