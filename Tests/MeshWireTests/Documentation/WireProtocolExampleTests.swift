import MeshWire
import NIOCore
import Testing

/// The page that says what `meshwork/1` is, held against the code that speaks it.
@Suite struct WireProtocolExampleTests {
    private struct Query: MeshMessage {
        static let messageName = "shop.Query"
        var item = ""

        init(_ item: String) { self.item = item }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            while let field = try decoder.nextField() { if field == 1 { item = try decoder.string() } }
        }

        func encode(to encoder: inout MessageEncoder) { encoder.string(1, item) }
    }

    private struct Price: MeshMessage {
        static let messageName = "shop.Price"
        var cents: UInt64 = 0
        var chart: [UInt8] = []

        init(_ cents: UInt64, chart: [UInt8] = []) {
            self.cents = cents
            self.chart = chart
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            while let field = try decoder.nextField() {
                switch field {
                case 1: cents = try decoder.uint64()
                case 2: chart = try decoder.segment().array
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, cents)
            if !chart.isEmpty { encoder.segment(2, Segment(copying: chart)) }
        }
    }

    /// Both state machines, and the page's examples that they have yet to act out.
    private struct Conversation: ~Copyable {
        var client: ClientConnectionState
        var server: ServerConnectionState
        var examples: ArraySlice<WireProtocolPage.Example>

        init() throws {
            var limits = WireLimits()
            limits.streamCredit = 128 << 10
            limits.connectionCredit = 1 << 20
            client = ClientConnectionState(
                instance: InstanceID(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F), limits: limits)
            server = ServerConnectionState(
                instance: InstanceID(high: 0x1011_1213_1415_1617, low: 0x1819_1A1B_1C1D_1E1F), limits: WireLimits())
            examples = try WireProtocolPage().examples()[...]
        }

        /// What the server makes of the next example, which is what the client sends now.
        mutating func fromClient() throws -> [ServerConnectionState.Event] {
            var sent = ByteBuffer()
            while let bytes = client.nextWrite() { sent.writeImmutableBuffer(bytes) }
            server.receive(try example(by: "client", equals: sent))
            var events: [ServerConnectionState.Event] = []
            while let event = try server.nextEvent() { events.append(event) }
            return events
        }

        /// What the client makes of the next example, which is what the server sends now.
        mutating func fromServer() throws -> [ClientConnectionState.Event] {
            var sent = ByteBuffer()
            while let bytes = server.nextWrite() { sent.writeImmutableBuffer(bytes) }
            client.receive(try example(by: "server", equals: sent))
            var events: [ClientConnectionState.Event] = []
            while let event = try client.nextEvent() { events.append(event) }
            return events
        }

        private mutating func example(by sender: String, equals sent: ByteBuffer) throws -> ByteBuffer {
            let example = examples.popFirst()
            let found = try #require(example, "the page has no example of what the \(sender) sends now")
            #expect(found.sender == sender)
            let bytes = Array(sent.readableBytesView)
            let digits = bytes.prefix(400).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
            try #require(found.bytes == bytes, "the \(sender) sends \(bytes.count) bytes: \(digits)")
            return ByteBuffer(bytes: found.bytes)
        }
    }

    @Test("both sides send the bytes of the page's examples, and understand them")
    func conversation() throws {
        var conversation = try Conversation()
        guard case .established(let client)? = try conversation.fromClient().first,
            case .established(let server)? = try conversation.fromServer().first
        else {
            Issue.record("expected both to be greeted")
            return
        }
        #expect(client.streamCredit == 131_072 && client.connectionCredit == 1_048_576)
        #expect(server.streamCredit == 262_144 && server.connectionCredit == 16_777_216)

        let get = conversation.client.declare(
            path: "shop.Prices/Get", requestName: Query.messageName, responseName: Price.messageName)
        guard case .declared(let declaration)? = try conversation.fromClient().first else {
            Issue.record("expected a declaration")
            return
        }
        #expect(declaration.path == "shop.Prices/Get" && declaration.kind == .unary)

        let first = conversation.client.open(
            get, timeRemaining: .seconds(2), deduplication: nil, metadata: ["tenant": "7"],
            payload: Payload(Query("apple")))
        guard case .call(.first, let head, let query)? = try conversation.fromClient().first else {
            Issue.record("expected a call")
            return
        }
        #expect(first == .first && head.timeRemaining == .seconds(2) && head.metadata["tenant"] == "7")
        #expect(try query.decode(as: Query.self).item == "apple")
        conversation.server.reply(to: .first, payload: Payload(Price(125)))
        guard case .response(.first, let reply, let price)? = try conversation.fromServer().first else {
            Issue.record("expected a response")
            return
        }
        #expect(reply.status == .ok)
        #expect(try price.decode(as: Price.self).cents == 125)

        let watch = conversation.client.declare(
            path: "shop.Prices/Watch", requestName: Query.messageName, responseName: Price.messageName,
            kind: .serverStreaming)
        let opened = conversation.client.open(
            watch, timeRemaining: .seconds(60), deduplication: nil, metadata: Metadata(), priority: .background,
            payload: Payload(Query("apple")))
        let stream = try #require(opened)
        #expect(try conversation.fromClient().count == 2)
        try conversation.server.send(Payload(Price(125)), on: stream)
        let chart = [UInt8](repeating: 0xA5, count: 140_000)
        try conversation.server.send(Payload(Price(126, chart: chart)), on: stream)
        guard case .message(stream, _)? = try conversation.fromServer().first else {
            Issue.record("expected the first message and the beginning of the second")
            return
        }
        conversation.client.taken(from: stream)
        #expect(try conversation.fromClient().isEmpty)
        guard case .message(stream, let second)? = try conversation.fromServer().first else {
            Issue.record("expected the second message")
            return
        }
        #expect(try second.decode(as: Price.self).chart == chart)
        conversation.client.taken(from: stream)
        #expect(try conversation.fromClient().isEmpty)
        conversation.server.reply(to: stream, metadata: ["prices": "2"])
        guard case .response(stream, let outcome, _)? = try conversation.fromServer().first else {
            Issue.record("expected the call's end")
            return
        }
        #expect(outcome.status == .ok && outcome.metadata["prices"] == "2")
        #expect(conversation.examples.isEmpty, "the page has an example that nobody sends")
        #expect(conversation.client.openStreams == 0 && conversation.server.isIdle)
    }

    @Test("the page lists every kind of frame with its number", arguments: FrameKind.allCases)
    func frames(kind: FrameKind) throws {
        #expect(try WireProtocolPage().row("\(kind)")?.first == "\(kind.rawValue)")
    }

    @Test("the page lists every status with its number", arguments: 0...16 as ClosedRange<UInt32>)
    func statuses(number: UInt32) throws {
        #expect(try WireProtocolPage().row(CallStatus(rawValue: number).description)?.first == "\(number)")
    }

    @Test("the page lists every limit with its default")
    func limits() throws {
        let page = try WireProtocolPage()
        for case (let name?, let value) in Mirror(reflecting: WireLimits()).children {
            let cell = page.row(name)?.first
            let text = cell?.replacing(",", with: "")
            #expect(text == (value as? Bool == false ? "no" : "\(value)"), "\(name) is \(cell ?? "not listed")")
        }
    }
}
