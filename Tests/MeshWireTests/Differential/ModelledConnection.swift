import MeshWire
import NIOCore
import TestSupport

/// A client's and a server's state machine, joined by two pipes in memory that may end anywhere or change a byte, in an
/// order that a seed chooses. After each step both are compared with a plain model of what was said.
struct ModelledConnection: ~Copyable {
    /// What the pipes do.
    enum Fate: Equatable {
        case reliable
        /// Both end at a byte of the seed's choosing.
        case lost
        /// A byte of one is changed; the frames have checksums.
        case corrupted
    }

    /// What one side knows, beside the calls.
    struct Side {
        let limits: WireLimits
        var isEstablished = false
        /// Its pings that have not been answered, in their order.
        var pings: [UInt64] = []
        /// The messages that it has been given and whose reader has not taken them, with their bytes.
        var untaken: [(stream: StreamID, bytes: Int)] = []
        /// The calls that take no more messages of its own until they are named as relieved.
        var full: Set<StreamID> = []
        /// The bytes that have arrived for it, of messages that nobody has taken.
        var held: [StreamID: Int] = [:]
        /// What is on its way to it, and what the books say of that.
        var pipe = ByteBuffer()
        var books: WireBooks
        /// Whether it has sent its hello.
        var isGreeted = false
        /// Set where a byte on the way to it was changed: its books are closed.
        var isCorrupted = false
    }

    let fate: Fate
    let features: Features
    let isLarge: Bool
    private let mostCalls: Int
    var generator: SeededGenerator

    var client: ClientConnectionState
    var server: ServerConnectionState
    var clientSide: Side
    var serverSide: Side
    var methods = DeclaredMethods()
    var calls: [StreamID: CallModel] = [:]
    /// The last call that the server has taken, once it goes away.
    var lastTaken: StreamID?
    /// The last call of which the server has read the head.
    var lastArrived = StreamID.connection
    /// Whether the client knows of that.
    var isGoingAway = false
    /// True once a side has found a change: the connection is over.
    var isBroken = false

    init(seed: UInt64) {
        var chance = SeededGenerator(seed: seed)
        let choice = chance.next() % 8
        let fate: Fate = choice < 5 ? .reliable : choice < 7 ? .lost : .corrupted
        self.fate = fate
        isLarge = chance.next() % 16 == 0
        mostCalls = isLarge ? 5 : 8
        var shared: Features = [.streams, .ping]
        // A peer of the first version, or one of those between.
        if chance.next() % 3 == 0 { shared = [[], .streams, .ping].randomElement(using: &chance)! }
        if fate == .corrupted || chance.next() % 4 == 0 { shared.insert(.checksums) }
        features = shared
        let limits = Self.limits(isLarge, shared, &chance)
        client = ClientConnectionState(instance: InstanceID(high: 1, low: 1), limits: limits.client)
        server = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: limits.server)
        clientSide = Side(
            limits: limits.client,
            books: WireBooks(
                kinds: [.hello, .response, .data, .goAway, .message, .credit, .metadata, .ping, .pong],
                features: shared))
        serverSide = Side(
            limits: limits.server,
            books: WireBooks(
                kinds: [.hello, .declare, .request, .data, .cancel, .message, .end, .credit, .ping, .pong],
                features: shared))
        generator = chance
    }

    private static func limits(
        _ isLarge: Bool, _ features: Features, _ generator: inout SeededGenerator
    ) -> (client: WireLimits, server: WireLimits) {
        var (client, server) = (WireLimits(), WireLimits())
        if features.contains(.streams), generator.next() % 2 == 0 {
            // As little credit as there may be, and room for two large messages.
            client.streamCredit = 128 << 10
            client.connectionCredit = 1 << 20
            client.messageBytes = 200 << 10
            client.largeMessageBytes = 400 << 10
            server = client
        }
        switch generator.next() % 6 {
        case 0: server.concurrentCalls = 2
        case 1 where !isLarge: (server.messageHeadBytes, server.messageBytes) = (100, 200)
        case 2 where !isLarge: (client.messageHeadBytes, client.messageBytes) = (100, 200)
        default: break
        }
        if generator.next() % 3 == 0 { server.queuedReplyBytes = 1_000 }
        (client.checksums, server.checksums) = (true, true)
        return (client, server)
    }

    // MARK: Steps

    mutating func step() throws {
        switch generator.next() % 27 {
        case 0...3 where calls.count < mostCalls: try open()
        case 4: reply()
        case 5: cancel()
        case 6 where generator.next() % 40 == 0: goAway()
        case 7...8: try sendRequest()
        case 9...10: try sendResponse()
        case 11: endRequests()
        case 12: takeByServer()
        case 13: takeByClient()
        case 14 where generator.next() % 4 == 0: try ping()
        case 15...17: try writeFromClient()
        case 18...20: try writeFromServer()
        case 21...23: try deliverToServer(serverSide.pipe.takePiece(&generator))
        default: try deliverToClient(clientSide.pipe.takePiece(&generator))
        }
        try compare()
    }

    /// The machines know what the model knows.
    func compare() throws {
        guard !isBroken else { return }
        let open = calls.values.count { $0.isOpen }
        try require(client.openStreams == open, "the client has \(client.openStreams) calls, not \(open)")
        let served = calls.values.count { $0.isServed }
        try require(server.openStreams == served, "the server has \(server.openStreams) calls, not \(served)")
        let takes = clientSide.isEstablished && !isGoingAway
        try require(client.takesCalls == takes, "the client \(takes ? "takes no" : "takes") calls")
        guard features.contains(.streams) else { return }
        for side in [clientSide, serverSide] {
            let held = side.held.values.reduce(0, +)
            let most = side.limits.largeMessageBytes + side.held.count * (side.limits.streamCredit + 16_384)
            try require(held <= most, "a side holds \(held) bytes, over \(most)")
        }
    }

    func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
        if !condition { throw Divergence(description: text()) }
    }

    /// Runs until nothing is left to do: requests ended, messages taken, calls answered.
    mutating func finish() throws {
        var idle = 0
        while idle < 3, !isBroken {
            let before = progress
            var hasWritten = false
            for stream in calls.keys.sorted() { endRequests(of: stream) }
            while !serverSide.untaken.isEmpty { takeByServer() }
            while !clientSide.untaken.isEmpty { takeByClient() }
            for stream in calls.keys.sorted() where calls[stream]?.service == .running { reply(to: stream) }
            while try writeFromClient() { hasWritten = true }
            while try writeFromServer() { hasWritten = true }
            try deliverToServer(serverSide.pipe.takeAll())
            if !isBroken { try deliverToClient(clientSide.pipe.takeAll()) }
            try compare()
            idle = before == progress && !hasWritten ? idle + 1 : 0
        }
    }

    /// What changes as long as something happens.
    private var progress: [Int] {
        [
            client.openStreams, server.openStreams, serverSide.pipe.writerIndex, clientSide.pipe.writerIndex,
            clientSide.untaken.count, serverSide.untaken.count, clientSide.pings.count, serverSide.pings.count,
        ] + calls.values.map { $0.requestsSeen + $0.responsesSeen }.sorted()
    }

    /// Everything was said and heard, each call has ended once, and neither side keeps anything.
    mutating func checkIsOver() throws {
        for (stream, call) in calls {
            try require(call.end != nil, "\(stream) has not ended")
            try require(!call.isServed, "\(stream) is still served")
        }
        try require(server.isIdle, "the server is not idle")
        try require(clientSide.pings.isEmpty && serverSide.pings.isEmpty, "a ping was not answered")
        try require(clientSide.full.isEmpty && serverSide.full.isEmpty, "somebody waits to send, and nobody tells")
        for side in [clientSide, serverSide] {
            try require(side.books.onItsWay == 0, "\(side.books.onItsWay) bytes were sent and have not arrived")
            try require(side.held.values.allSatisfy { $0 == 0 }, "a side holds \(side.held)")
        }
        try end()
    }

    /// The side to which a changed byte has come noticed it, or waits for the rest of a frame that will never be whole.
    func checkCorruption() throws {
        guard !isBroken else { return }
        let waits =
            serverSide.isCorrupted
            ? wireError { () throws(WireError) in try server.end() }
            : wireError { () throws(WireError) in try client.end() }
        try require(waits == .truncated, "a changed byte was taken for what it is not")
    }
}
