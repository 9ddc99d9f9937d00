import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@testable import MeshGRPC

/// How connections over gRPC come to their end on real sockets: old age, idleness, peers that do not answer, and clients
/// that ask too often.
@Suite(.timeLimit(.minutes(2))) struct GRPCLifecycleTests {
    private typealias Frame = HTTP2Bytes.Frame

    /// What a peer says when it goes away.
    private struct GoAway: Equatable {
        var lastStream: UInt32
        var code: UInt32 = 0
        var reason: String

        /// The largest stream there can be: no stream is refused yet.
        static func announced(_ reason: String) -> GoAway { GoAway(lastStream: 0x7FFF_FFFF, reason: reason) }
    }

    private func goAways(in bytes: [UInt8]) -> [GoAway] {
        frames(in: bytes).filter { $0.type == Frame.goAway }.map { frame in
            func word(_ offset: Int) -> UInt32 {
                frame.payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
            }
            return GoAway(
                lastStream: word(0), code: word(4), reason: String(decoding: frame.payload.dropFirst(8), as: UTF8.self))
        }
    }

    /// The first `count` goodbyes of a server, when they have come.
    private func goAways(_ count: Int, from raw: RawClient) async -> [GoAway] {
        goAways(in: await raw.received { frames(in: $0).count { $0.type == Frame.goAway } >= count })
    }

    /// The data of the first `count` pings of a server, when they have come.
    private func pings(_ count: Int, from raw: RawClient) async -> [[UInt8]] {
        @Sendable func pings(_ bytes: [UInt8]) -> [[UInt8]] {
            frames(in: bytes).filter { $0.type == Frame.ping && $0.flags == 0 }.map(\.payload)
        }
        return pings(await raw.received { pings($0).count >= count })
    }

    /// All that a server has said when it has closed the connection.
    private func untilClosed(_ raw: RawClient) async -> [UInt8] { await raw.received { _ in false } }

    private func answer(_ ping: [UInt8]?, _ raw: RawClient) async throws {
        var bytes = HTTP2Bytes()
        bytes.pingAnswer(try #require(ping))
        await raw.send(bytes.bytes)
    }

    private func call(
        _ method: UnaryMethod<Note, Note>, _ stream: UInt32, _ raw: RawClient,
        after opening: HTTP2Bytes = HTTP2Bytes()
    ) async {
        var bytes = opening
        bytes.call(stream, method.path)
        bytes.request(stream)
        await raw.send(bytes.bytes)
    }

    // MARK: Age

    @Test("an old connection is told so twice, and the calls that begin before the second time are answered")
    func age() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.age = .milliseconds(100)
        configuration.connectionAge.grace = nil
        let release = Gate()
        let loopback = try await GRPCLoopback.start(configuration) { mesh in
            mesh.serve(Echo.slow, release: release)
            mesh.serve(Echo.echo) { note, _ in note }
        }
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await call(Echo.slow, 1, raw, after: .opening)
        #expect(await goAways(1, from: raw) == [.announced("max_age")])
        // As one that was on its way when the server said it.
        await call(Echo.echo, 3, raw)
        try #require(await raw.trailers(of: 3) != nil)
        try await answer(await pings(1, from: raw).last, raw)
        #expect(
            await goAways(2, from: raw) == [.announced("max_age"), GoAway(lastStream: 3, reason: "max_age")])
        release.open()
        #expect(await raw.trailers(of: 1) != nil)
        #expect(goAways(in: await untilClosed(raw)).count == 2)
        await loopback.server.stop()
    }

    @Test(
        "a call that comes when no other is open, and the client has not heard that the connection is old, is answered")
    func ageWithoutCalls() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.age = .milliseconds(100)
        let loopback = try await GRPCLoopback.start(configuration)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await raw.send(HTTP2Bytes.opening.bytes)
        #expect(await goAways(1, from: raw) == [.announced("max_age")])
        await call(Echo.echo, 1, raw)
        try #require(await raw.trailers(of: 1) != nil)
        try await answer(await pings(1, from: raw).last, raw)
        let last = goAways(in: await untilClosed(raw)).last
        #expect(last == GoAway(lastStream: 1, reason: "max_age"))
        await loopback.server.stop()
    }

    @Test("a call after the last one that a server takes is refused, and those before it are answered")
    func afterTheLast() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.age = .milliseconds(100)
        let release = Gate()
        let loopback = try await GRPCLoopback.start(configuration) { mesh in
            mesh.serve(Echo.slow, release: release)
            mesh.serve(Echo.echo) { note, _ in
                Issue.record("the call was taken")
                return note
            }
        }
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await call(Echo.slow, 1, raw, after: .opening)
        try await answer(await pings(1, from: raw).last, raw)
        #expect(await goAways(2, from: raw).last == GoAway(lastStream: 1, reason: "max_age"))
        // The client has not heeded it.
        await call(Echo.echo, 3, raw)
        await ping(1, raw)
        await raw.received { frames(in: $0).contains { $0.type == Frame.ping && $0.flags == 1 } }
        release.open()
        #expect(await raw.trailers(of: 1) != nil)
        #expect(await raw.trailers(of: 3) == nil)
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        await loopback.server.stop()
    }

    @Test("a client's call finishes on the old connection, and its next one goes over a new one")
    func ageOfAClientsConnection() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.age = .milliseconds(100)
        configuration.connectionAge.grace = nil
        let loopback = try await GRPCLoopback.start(configuration) { mesh in
            mesh.serve(Echo.echo) { _, call in Note(call.remoteAddress) }
            mesh.serve(Echo.chat) { requests, responses, call in
                for try await _ in requests { try await responses.send(Note(call.remoteAddress)) }
            }
        }
        let client = try loopback.client()
        try await client.call(Echo.chat) { requests, responses in
            var iterator = responses.makeAsyncIterator()
            try await requests.send(Note("before"))
            let old = try await iterator.next()
            while try await client.call(Echo.echo, Note("")) == old {}
            try await requests.send(Note("after"))
            #expect(try await iterator.next() == old)
            requests.finish()
            #expect(try await iterator.next() == nil)
        }
        client.close()
        await loopback.server.stop()
    }

    @Test("a call that goes on when the grace is over is cancelled, and the connection closed")
    func grace() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.age = .milliseconds(100)
        configuration.connectionAge.grace = .milliseconds(100)
        let cancelled = Gate()
        let loopback = try await GRPCLoopback.start(configuration) { $0.serveForEver(cancelled) }
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await call(Echo.echo, 1, raw, after: .opening)
        #expect(goAways(in: await untilClosed(raw)).first == .announced("max_age"))
        await cancelled.wait()
        await loopback.server.stop()
    }

    // MARK: Idleness

    @Test("an idle connection is told so, and closed when its client has read it")
    func idle() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.idle = .milliseconds(100)
        configuration.connectionAge.grace = nil
        let loopback = try await GRPCLoopback.start(configuration)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await raw.send(HTTP2Bytes.opening.bytes)
        try await answer(await pings(1, from: raw).last, raw)
        #expect(
            goAways(in: await untilClosed(raw)) == [.announced("max_idle"), GoAway(lastStream: 0, reason: "max_idle")])
        await loopback.server.stop()
    }

    @Test("an idle connection whose client says nothing is closed when the grace is over")
    func idleAndDeaf() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.idle = .milliseconds(100)
        configuration.connectionAge.grace = .milliseconds(100)
        let loopback = try await GRPCLoopback.start(configuration)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await raw.send(HTTP2Bytes.opening.bytes)
        #expect(goAways(in: await untilClosed(raw)) == [.announced("max_idle")])
        await loopback.server.stop()
    }

    @Test("a connection is idle from its last call's answer on, though its client says nothing more")
    func idleAfterACall() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.idle = .milliseconds(100)
        let (begun, release) = (Gate(), Gate())
        let loopback = try await GRPCLoopback.start(configuration) { mesh in
            mesh.serve(Echo.echo, begun: begun, release: release)
        }
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await call(Echo.echo, 1, raw, after: .opening)
        await begun.wait()
        // Answered after the read that has brought the call.
        release.open()
        #expect(await raw.trailers(of: 1) != nil)
        #expect(await goAways(1, from: raw) == [.announced("max_idle")])
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a client whose idle connection was closed calls over a new one")
    func idleClient() async throws {
        var configuration = GRPCConfiguration()
        configuration.connectionAge.idle = .milliseconds(100)
        let loopback = try await GRPCLoopback.start(configuration) { mesh in
            mesh.serve(Echo.echo) { _, call in Note(call.remoteAddress) }
        }
        let client = try loopback.client()
        let first = try await client.call(Echo.echo, Note(""))
        while !loopback.server.connections.isEmpty { try await SystemRuntime.shared.sleep(for: .milliseconds(5)) }
        #expect(try await client.call(Echo.echo, Note("")) != first)
        client.close()
        await loopback.server.stop()
    }

    // MARK: Keep-alive

    @Test("a server closes the connection of a client that does not answer, and cancels its calls")
    func deafClient() async throws {
        var configuration = GRPCConfiguration()
        configuration.serverKeepAlive?.interval = .milliseconds(50)
        configuration.serverKeepAlive?.timeout = .milliseconds(100)
        let cancelled = Gate()
        let loopback = try await GRPCLoopback.start(configuration) { $0.serveForEver(cancelled) }
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/deaf"))
        await call(Echo.echo, 1, raw, after: .opening)
        #expect(await pings(1, from: raw).count == 1)
        await cancelled.wait()
        #expect(frames(in: await untilClosed(raw)).count { $0.type == Frame.ping } == 1)
        await loopback.server.stop()
    }

    @Test("a client without calls is asked as well, where that is wanted")
    func deafClientWithoutCalls() async throws {
        var configuration = GRPCConfiguration()
        configuration.serverKeepAlive?.interval = .milliseconds(50)
        configuration.serverKeepAlive?.timeout = .milliseconds(100)
        configuration.serverKeepAlive?.asksWithoutCalls = true
        let loopback = try await GRPCLoopback.start(configuration)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/deaf"))
        await raw.send(HTTP2Bytes.opening.bytes)
        #expect(frames(in: await untilClosed(raw)).count { $0.type == Frame.ping } == 1)
        await loopback.server.stop()
    }

    @Test("a server keeps the connection of a client that answers, and asks again")
    func answeringClient() async throws {
        var configuration = GRPCConfiguration()
        configuration.serverKeepAlive?.interval = .milliseconds(50)
        configuration.serverKeepAlive?.timeout = .seconds(240)
        let release = Gate()
        let loopback = try await GRPCLoopback.start(configuration) { mesh in
            mesh.serve(Echo.echo, release: release)
        }
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await call(Echo.echo, 1, raw, after: .opening)
        for number in 1...3 { try await answer(await pings(number, from: raw).last, raw) }
        release.open()
        #expect(await raw.trailers(of: 1) != nil)
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a call to a server that does not answer ends with an error that says so")
    func deafServer() async throws {
        var configuration = GRPCConfiguration()
        configuration.clientKeepAlive = KeepAliveConfiguration()
        configuration.clientKeepAlive?.interval = .milliseconds(50)
        configuration.clientKeepAlive?.timeout = .milliseconds(100)
        let server = try await ScriptedHTTP2Server.start { _ in HTTP2Bytes() }
        let client = try server.client(configuration)
        let error = await meshError { _ = try await client.call(Echo.fail, Note("x")) }
        #expect(error?.code == .connectionLost)
        #expect(error?.progress == .mayHaveRun)
        #expect(error?.peer == "spiffe://test.example/server")
        #expect(
            error?.message == "the server has said nothing for 0.05 seconds and did not answer within 0.1 seconds")
        #expect(server.pings == 1)
        client.close()
        await server.stop()
    }

    @Test("a call to a server that answers waits for as long as that takes")
    func answeringServer() async throws {
        var configuration = GRPCConfiguration()
        configuration.clientKeepAlive = KeepAliveConfiguration()
        configuration.clientKeepAlive?.interval = .milliseconds(50)
        configuration.clientKeepAlive?.timeout = .seconds(240)
        let pings = Tally()
        let server = try await ScriptedHTTP2Server.start { arrival in
            var bytes = HTTP2Bytes()
            guard case .ping(let data) = arrival else { return bytes }
            bytes.pingAnswer(data)
            if pings.add() == 3 { bytes.answer(1, Note("late")) }
            return bytes
        }
        let client = try server.client(configuration)
        #expect(try await client.call(Echo.fail, Note("x")) == Note("late"))
        client.close()
        await server.stop()
    }

    // MARK: Too many pings

    private func ping(_ count: Int, _ raw: RawClient, after opening: HTTP2Bytes = HTTP2Bytes()) async {
        var bytes = opening
        for _ in 0..<count { bytes.frame(Frame.ping, on: 0, Array(repeating: 7, count: 8)) }
        await raw.send(bytes.bytes)
    }

    private var strict: GRPCConfiguration {
        var configuration = GRPCConfiguration()
        configuration.pingEnforcement.shortestInterval = .seconds(3_600)
        configuration.pingEnforcement.strikes = 2
        return configuration
    }

    @Test("a client that pings more often than it may is told to calm down, and let go of")
    func tooManyPings() async throws {
        let loopback = try await GRPCLoopback.start(strict)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/nervous"))
        // The first is no strike, and two are forgiven.
        await ping(4, raw, after: .opening)
        let last = goAways(in: await untilClosed(raw))
        #expect(last == [GoAway(lastStream: 0, code: 0xB, reason: "too_many_pings")])
        let record = await loopback.log.first("peer does not keep to the protocol")
        #expect(record.metadata["peer"] == "spiffe://test.example/nervous")
        await loopback.server.stop()
    }

    @Test("as many pings as a client may send are answered, and an answer to a call lets it send them again")
    func allowedPings() async throws {
        let loopback = try await GRPCLoopback.start(strict)
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await raw.send(HTTP2Bytes.opening.bytes)
        for stream in [1, 3, 5] as [UInt32] {
            await ping(3, raw)
            await call(Echo.echo, stream, raw)
            #expect(await raw.trailers(of: stream) != nil)
        }
        let received = await raw.received { _ in true }
        #expect(frames(in: received).count { $0.type == Frame.ping && $0.flags == 1 } == 9)
        #expect(goAways(in: received).isEmpty)
        #expect(loopback.log.all("peer does not keep to the protocol").isEmpty)
        await raw.close()
        await loopback.server.stop()
    }

    @Test("a client without calls may not ping at all, where that is the rule")
    func pingsWithoutCalls() async throws {
        var configuration = GRPCConfiguration()
        configuration.pingEnforcement.shortestInterval = .zero
        configuration.pingEnforcement.allowsWithoutCalls = false
        configuration.pingEnforcement.strikes = 0
        let (begun, release) = (Gate(), Gate())
        let loopback = try await GRPCLoopback.start(configuration) { mesh in
            mesh.serve(Echo.echo, begun: begun, release: release)
        }
        let raw = try await RawClient.http2(port: loopback.port, as: try loopback.authority.svid("/raw"))
        await call(Echo.echo, 1, raw, after: .opening)
        await begun.wait()
        // It has a call.
        await ping(10, raw)
        await raw.received { frames(in: $0).count { $0.type == Frame.ping && $0.flags == 1 } == 10 }
        release.open()
        #expect(await raw.trailers(of: 1) != nil)
        await ping(2, raw)
        #expect(
            goAways(in: await untilClosed(raw)) == [GoAway(lastStream: 1, code: 0xB, reason: "too_many_pings")])
        await loopback.server.stop()
    }

    // MARK: Configuration

    struct Impossible: Sendable, CustomTestStringConvertible {
        let property: String
        let change: @Sendable (inout GRPCConfiguration) -> Void

        var testDescription: String { property }

        init(_ property: String, _ change: @escaping @Sendable (inout GRPCConfiguration) -> Void) {
            self.property = property
            self.change = change
        }
    }

    static let impossibleValues: [Impossible] = [
        Impossible("serverKeepAlive.interval") { $0.serverKeepAlive?.interval = .zero },
        Impossible("serverKeepAlive.timeout") { $0.serverKeepAlive?.timeout = .zero },
        Impossible("clientKeepAlive.interval") {
            $0.clientKeepAlive = KeepAliveConfiguration()
            $0.clientKeepAlive?.interval = .seconds(-1)
        },
        Impossible("clientKeepAlive.timeout") {
            $0.clientKeepAlive = $0.clientKeepAlive ?? KeepAliveConfiguration()
            $0.clientKeepAlive?.timeout = .seconds(-1)
        },
        Impossible("connectionAge.idle") { $0.connectionAge.idle = .zero },
        Impossible("connectionAge.age") { $0.connectionAge.age = .zero },
        Impossible("connectionAge.grace") { $0.connectionAge.grace = .nanoseconds(-1) },
        Impossible("pingEnforcement.shortestInterval") { $0.pingEnforcement.shortestInterval = .nanoseconds(-1) },
        Impossible("pingEnforcement.strikes") { $0.pingEnforcement.strikes = -1 },
    ]

    private func problems(of configuration: GRPCConfiguration) -> [String] {
        let error = #expect(throws: MeshError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        return error?.message.split(separator: "; ").map { String($0.prefix { $0 != " " }) } ?? []
    }

    @Test("an impossible value is refused by its property's name", arguments: impossibleValues)
    func impossible(_ impossible: Impossible) throws {
        var configuration = GRPCConfiguration()
        impossible.change(&configuration)
        #expect(problems(of: configuration) == [impossible.property])
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let mesh = try Mesh(identity: authority.identity("/server"), policy: .denyAll)
        let error = #expect(throws: MeshError.self) { try mesh.enableGRPC(configuration) }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test("all impossible values are named at once")
    func allImpossible() {
        var configuration = GRPCConfiguration()
        for impossible in Self.impossibleValues { impossible.change(&configuration) }
        #expect(problems(of: configuration).sorted() == Self.impossibleValues.map(\.property).sorted())
    }

    @Test("what is not impossible is allowed: the defaults, no limits, and none of what may be none")
    func possible() throws {
        var configuration = GRPCConfiguration()
        try configuration.validate()
        configuration.connectionAge.grace = .zero
        configuration.pingEnforcement.shortestInterval = .zero
        configuration.pingEnforcement.strikes = 0
        try configuration.validate()
        configuration.serverKeepAlive = nil
        configuration.connectionAge.grace = nil
        try configuration.validate()
    }
}

extension Mesh {
    /// Answers no call of ``Echo/echo``, and opens `cancelled` when one is given up.
    fileprivate func serveForEver(_ cancelled: Gate) {
        serve(Echo.echo) { note, call in
            defer { cancelled.open() }
            try await call.runtime.sleep(for: .seconds(3_600))
            return note
        }
    }
}

extension Mesh {
    /// Opens `begun` with each call, and sends back what it got once `release` is open.
    fileprivate func serve(_ method: UnaryMethod<Note, Note>, begun: Gate? = nil, release: Gate) {
        serve(method) { note, _ in
            begun?.open()
            await release.wait()
            return note
        }
    }
}
