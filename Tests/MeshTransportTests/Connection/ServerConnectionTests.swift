import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import TestSupport
import Testing

/// What a peer with a good certificate does wrong on the wire.
@Suite(.timeLimit(.minutes(5))) struct ServerConnectionTests {
    /// Sends `bytes` beside a proper client; the log's record and what came back.
    private func send(
        _ bytes: [UInt8], closing: Bool = false, configuration: MeshConfiguration = .patient
    ) async throws -> LogCapture.Record {
        let loopback = try await Loopback.start(configuration: configuration)
        let client = try loopback.client()
        #expect(try await client.call(Echo.echo, Note("before")) == Note("before"))
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/hostile"))
        await raw.send(bytes)
        if closing { await raw.close() }
        _ = await raw.untilClosed()
        let record = await loopback.log.first("peer does not keep to the protocol")
        // Said once, and nobody else suffers.
        #expect(loopback.log.records.count { $0.message == record.message } == 1)
        #expect(try await client.call(Echo.echo, Note("after")) == Note("after"))
        client.close()
        await loopback.server.stop()
        return record
    }

    private func expect(_ record: LogCapture.Record, _ code: String) {
        #expect(record.level == .warning)
        #expect(record.metadata["peer"] == "spiffe://test.example/hostile")
        #expect(record.metadata["error"]?.hasPrefix(code) == true, "\(record.metadata)")
    }

    @Test("garbage closes the connection, names the peer, and harms no other")
    func garbage() async throws {
        expect(try await send(Array("GET / HTTP/1.1\r\n\r\n".utf8)), "malformed")
    }

    @Test("garbage behind a proper greeting does the same")
    func garbageLater() async throws {
        var bytes = RawBytes()
        bytes.declare()
        expect(try await send(bytes.bytes + Array(repeating: 0xEE, count: 100_000)), "malformed")
    }

    @Test("a frame that is too large is refused by its header")
    func oversized() async throws {
        var buffer = ByteBuffer()
        FrameHeader(kind: .request, stream: .first, payloadLength: 100 << 20).write(to: &buffer)
        var bytes = RawBytes()
        bytes.declare()
        expect(try await send(bytes.bytes + Array(buffer.readableBytesView)), "tooLarge")
    }

    @Test("a frame that is cut short is reported")
    func truncated() async throws {
        var bytes = RawBytes()
        bytes.declare()
        bytes.request(1)
        expect(try await send(Array(bytes.bytes.dropLast()), closing: true), "truncated")
    }

    @Test("nothing that follows an error on a connection is run")
    func afterError() async throws {
        let runs = Tally()
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.echo) { note, _ in
                runs.add()
                return note
            }
        }
        var bytes = RawBytes()
        bytes.declare()
        bytes.add(.response, 1)
        for stream in 0..<100 as Range<UInt32> { bytes.request(2 * stream + 1) }
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/hostile"))
        // In two writes, so that the second arrives while the server closes.
        let half = bytes.bytes.count / 2
        await raw.send(Array(bytes.bytes[..<half]))
        await raw.send(Array(bytes.bytes[half...]))
        _ = await raw.untilClosed()
        _ = await loopback.log.first("peer does not keep to the protocol")
        #expect(runs.count == 0)
        await loopback.server.stop()
        #expect(runs.count == 0)
    }

    @Test("a peer that does not say hello is let go of in time")
    func silent() async throws {
        var configuration = MeshConfiguration.patient
        configuration.handshakeTimeout = .seconds(3)
        let loopback = try await Loopback.start(configuration: configuration)
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/silent"))
        await raw.send(Preface.bytes)
        _ = await raw.untilClosed()
        let record = await loopback.log.first("peer does not keep to the protocol")
        #expect(record.metadata["peer"] == "spiffe://test.example/silent")
        await loopback.server.stop()
    }

    @Test("a hand-written call is answered: what the tests above send is right but for what they are about")
    func proper() async throws {
        let loopback = try await Loopback.start()
        var bytes = RawBytes()
        bytes.declare()
        bytes.request(1)
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/hand"))
        await raw.send(bytes.bytes)
        let hello = RawBytes.serverGreetingBytes
        let reply = await raw.received(hello + FrameHeader.encodedSize + 3)
        var buffer = ByteBuffer(bytes: reply.dropFirst(hello))
        #expect(try FrameHeader(from: &buffer)?.kind == .response)
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a peer that asks and does not listen is not read from, and so is not answered without end")
    func neverReads() async throws {
        let runs = Tally()
        var configuration = MeshConfiguration.patient
        configuration.limits.queuedReplyBytes = 1 << 20
        let large = Array(repeating: UInt8(7), count: 200_000)
        let loopback = try await Loopback.start(configuration: configuration) { mesh in
            mesh.serve(Echo.echo) { note, _ in
                runs.add()
                return Note("", payload: note.text == "x" ? [] : large)
            }
        }
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/deaf"))
        var opening = RawBytes()
        opening.declare()
        await raw.send(opening.bytes)
        _ = await raw.received(RawBytes().bytes.count)
        try await raw.setReading(false)
        let calls = 400
        let text = String(repeating: "large", count: 4_000)
        async let sent: Void = {
            for number in 0..<calls {
                var bytes = RawBytes()
                bytes.bytes = []
                bytes.request(UInt32(2 * number + 1), Note(text))
                await raw.send(bytes.bytes)
            }
        }()
        await runs.reach(5)
        // Other clients are served meanwhile.
        let client = try loopback.client()
        for _ in 0..<50 { #expect(try await client.call(Echo.echo, Note("x")) == Note("")) }
        // Those whose replies fill the queue, and what had been read with them.
        #expect(runs.count - 50 < calls / 4)
        try await raw.setReading(true)
        await sent
        await runs.reach(50 + calls)
        #expect(await raw.received(calls * large.count).count >= calls * large.count)
        await raw.close()
        client.close()
        await loopback.server.stop()
    }

    @Test("cancelled calls count until their handlers have ended")
    func rapidReset() async throws {
        let (running, release) = (Tally(), Gate())
        var configuration = MeshConfiguration.patient
        configuration.limits.concurrentCalls = 4
        let loopback = try await Loopback.start(configuration: configuration) { mesh in
            mesh.serve(Echo.echo) { note, _ in
                running.add()
                // A handler that does not care for cancellation.
                await release.waitEvenIfCancelled()
                return note
            }
        }
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/hostile"))
        var bytes = RawBytes()
        bytes.declare()
        for stream in 0..<1_000 as Range<UInt32> {
            bytes.request(2 * stream + 1)
            bytes.add(.cancel, 2 * stream + 1)
        }
        bytes.request(2_001)
        await raw.send(bytes.bytes)
        // The last is answered: it was refused, as all but four before it.
        let hello = RawBytes().bytes.count
        #expect(await raw.received(hello + FrameHeader.encodedSize + 3).count > hello)
        await running.reach(4)
        #expect(running.count == 4)
        release.open()
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a client that goes away cancels the handlers of its calls")
    func clientGone() async throws {
        let (started, cancelled) = (Gate(), Gate())
        let loopback = try await Loopback.start { mesh in
            mesh.serve(Echo.echo) { note, _ in
                await withTaskCancellationHandler {
                    started.open()
                    await cancelled.wait()
                } onCancel: {
                    cancelled.open()
                }
                return note
            }
        }
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/gone"))
        var bytes = RawBytes()
        bytes.declare()
        bytes.request(1)
        await raw.send(bytes.bytes)
        await started.wait()
        await raw.close()
        await cancelled.wait()
        await loopback.server.stop()
    }

    @Test("a client that ignores goodbyes does not hold the server up")
    func drainsIdle() async throws {
        var configuration = MeshConfiguration.patient
        configuration.drainTimeout = .seconds(600)
        let loopback = try await Loopback.start(configuration: configuration)
        let raw = try await RawClient.connect(port: loopback.port, identity: try loopback.authority.svid("/idle"))
        await raw.send(RawBytes().bytes)
        _ = await raw.received(RawBytes().bytes.count)
        let start = SystemRuntime.shared.now
        await loopback.server.stop()
        // Far below the ten minutes that open calls get.
        #expect(start.duration(to: SystemRuntime.shared.now) < .seconds(240))
        _ = await raw.untilClosed()
    }
}
