import MeshTransport
import MeshWire
import NIOCore
import Synchronization

/// A name server in a simulation, with the records that the test gives it, over UDP and TCP.
///
/// ```swift
/// let names = try await runtime.nameServer(at: "10.0.0.53")
/// names.set("scoring.shop", [.address("10.0.0.1"), .address("10.0.0.2")], timeToLive: 30)
/// runtime.setFile("/etc/resolv.conf", to: "nameserver 10.0.0.53\n")
/// configuration.resolver = try DNSResolver(runtime: runtime)
/// ```
/// Guarded by a mutex.
public final class SimulatedNameServer: Sendable {
    /// What is at a name.
    public enum Record: Sendable, Hashable {
        /// An IPv4 or IPv6 address.
        case address(String)
        /// Another name, for which it stands.
        case alias(String)
        /// A server of a service.
        case server(String, port: UInt16, priority: UInt16 = 0, weight: UInt16 = 0)
    }

    /// How it treats questions.
    public enum Behaviour: Sendable, Hashable {
        /// It answers them.
        case answers
        /// It answers that it has failed (SERVFAIL).
        case fails
        /// It answers that it does not answer (REFUSED).
        case refuses
        /// It says nothing.
        case isSilent
    }

    private struct State {
        var names: [DomainName: (records: [Record], timeToLive: UInt32)] = [:]
        var behaviour = Behaviour.answers
        var negativeTimeToLive: UInt32 = 5
        var questions: [String] = []
        /// Those that it fails at.
        var failing: Set<String> = []
    }

    private let state = Mutex(State())

    init() {}

    /// Says what is at a name, and for how many seconds that holds; no records for a name that is there and has none.
    public func set(_ name: String, _ records: [Record], timeToLive: UInt32 = 30) {
        guard let key = DomainName(name) else { preconditionFailure("\(name) is no domain name") }
        state.withLock { $0.names[key] = (records, timeToLive) }
    }

    /// Takes a name out: there is none any more (NXDOMAIN).
    public func remove(_ name: String) {
        guard let key = DomainName(name) else { preconditionFailure("\(name) is no domain name") }
        state.withLock { $0.names[key] = nil }
    }

    /// How it treats questions from now on. Default ``Behaviour/answers``.
    public var behaviour: Behaviour {
        get { state.withLock { $0.behaviour } }
        set { state.withLock { $0.behaviour = newValue } }
    }

    /// Fails at a question from now on, such as `AAAA of scoring.shop`, whatever ``behaviour`` is.
    public func fail(_ question: String) { state.withLock { _ = $0.failing.insert(question) } }

    /// For how many seconds it holds that something is not there. Default 5.
    public var negativeTimeToLive: UInt32 {
        get { state.withLock { $0.negativeTimeToLive } }
        set { state.withLock { $0.negativeTimeToLive = newValue } }
    }

    /// The questions that it was asked, such as `A of scoring.shop`, in order.
    public var questions: [String] { state.withLock { $0.questions } }

    /// The answer to a question, and a truncated one where it is longer than the asker takes; `nil` for none.
    func answer(_ bytes: [UInt8], overTCP isStream: Bool) -> [UInt8]? {
        guard let message = try? DNSMessage(decoding: bytes), !message.isResponse,
            let question = message.questions.first
        else { return nil }
        let (behaviour, negative) = state.withLock { state in
            state.questions.append("\(question)" + (isStream ? " over TCP" : ""))
            return (
                state.failing.contains("\(question)") ? .fails : state.behaviour, state.negativeTimeToLive
            )
        }
        var response = DNSMessage(id: message.id)
        (response.isResponse, response.offersRecursion, response.questions) = (true, true, [question])
        response.datagramLimit = message.datagramLimit.map { _ in DNSMessage.datagramLimit }
        switch behaviour {
        case .isSilent: return nil
        case .fails: response.responseCode = .serverFailure
        case .refuses: response.responseCode = .refused
        case .answers: fill(&response, question, negative)
        }
        let encoded = response.encoded
        guard !isStream, encoded.count > Int(message.datagramLimit ?? 512) else { return encoded }
        (response.isTruncated, response.answers, response.authorities) = (true, [], [])
        return response.encoded
    }

    private func fill(_ response: inout DNSMessage, _ question: DNSQuestion, _ negative: UInt32) {
        var (name, hops) = (question.name, 0)
        while hops < 20 {
            guard let (records, time) = state.withLock({ $0.names[name] }) else {
                response.responseCode = .nameError
                break
            }
            let values = records.map { Self.value($0) }
            if let target = values.lazy.compactMap({ if case .alias(let target) = $0 { target } else { nil } }).first {
                response.answers.append(DNSRecord(name, timeToLive: time, .alias(target)))
                (name, hops) = (target, hops + 1)
                continue
            }
            let found = values.map { DNSRecord(name, timeToLive: time, $0) }.filter { $0.type == question.type }
            response.answers += found
            guard found.isEmpty else { return }
            break
        }
        response.authorities = [DNSRecord(.root, timeToLive: negative, .zone(minimum: negative))]
    }

    private static func value(_ record: Record) -> DNSRecord.Value {
        switch record {
        case .address(let text):
            guard let address = try? SocketAddress(ipAddress: text, port: 0) else {
                preconditionFailure("\(text) is no address")
            }
            return .address(address.addressBytes)
        case .alias(let text):
            guard let target = DomainName(text) else { preconditionFailure("\(text) is no domain name") }
            return .alias(target)
        case .server(let text, let port, let priority, let weight):
            guard let target = DomainName(text) ?? (text == "." ? .root : nil) else {
                preconditionFailure("\(text) is no domain name")
            }
            return .server(DNSServerRecord(priority: priority, weight: weight, port: port, target: target))
        }
    }
}

extension SimulatedRuntime {
    /// Starts a name server at `address` and port 53; it knows no names yet.
    public func nameServer(at address: String) async throws -> SimulatedNameServer {
        let (server, place) = (SimulatedNameServer(), Endpoint.tcp(host: address, port: 53))
        simulatedNetwork.serveDatagrams(at: place) { bytes, reply in
            if let answer = server.answer(bytes, overTCP: false) { reply(answer) }
        }
        _ = try await network.listen(on: place) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(StreamedQuestions(server))
            }
        }.get()
        return server
    }
}

/// Answers questions over TCP, each behind its length.
private final class StreamedQuestions: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: SimulatedNameServer
    private var begun = ByteBuffer()

    init(_ server: SimulatedNameServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        begun.writeBuffer(&bytes)
        while let question = begun.readLengthPrefixedSlice(as: UInt16.self) {
            guard let answer = server.answer(Array(question.readableBytesView), overTCP: true) else { continue }
            var framed = ByteBuffer(integer: UInt16(answer.count))
            framed.writeBytes(answer)
            context.writeAndFlush(wrapOutboundOut(framed), promise: nil)
        }
    }
}
