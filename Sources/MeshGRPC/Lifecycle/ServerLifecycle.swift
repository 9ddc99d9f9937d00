import MeshWire
import NIOHTTP2

/// The life of a server's connection: whether its client is still there, whether it pings too often, and how it comes to
/// an end. No I/O, no clock.
///
/// Ask ``deadline`` when to come back, and ``advance(to:)`` what to do then.
struct ServerLifecycle {
    enum Action: Equatable {
        case ping(HTTP2PingData)
        /// Says that calls are taken no more: after the last that was, if that is final.
        case goAway(String, HTTP2ErrorCode, isFinal: Bool)
        case close
        /// The client did not answer: the connection is closed.
        case giveUp
    }

    /// Tell our pings apart, should a client answer one late.
    private static let keepAlivePing = HTTP2PingData(withInteger: 1)
    private static let goAwayPing = HTTP2PingData(withInteger: 2)

    private var keepAlive: KeepAlive?
    private var age: ConnectionAge
    private var handshake = GoAwayHandshake()
    private var enforcement: PingEnforcement
    private var reason = ""

    init(_ configuration: GRPCConfiguration, now: RuntimeInstant, using generator: inout some RandomNumberGenerator) {
        keepAlive = configuration.serverKeepAlive.map { KeepAlive($0, now: now) }
        age = ConnectionAge(configuration.connectionAge, now: now, using: &generator)
        enforcement = PingEnforcement(configuration.pingEnforcement)
    }

    /// Whether the connection ends with its last call.
    var isDrained: Bool { handshake.isFinal }

    /// When ``advance(to:)`` has something to do.
    var deadline: RuntimeInstant? { [keepAlive?.deadline, age.deadline, handshake.deadline].compactMap { $0 }.min() }

    /// Something has arrived and been answered.
    mutating func received(openCalls: Int, now: RuntimeInstant) {
        keepAlive?.received(now: now)
        callsChanged(to: openCalls, now: now)
    }

    /// Calls have begun or ended.
    mutating func callsChanged(to openCalls: Int, now: RuntimeInstant) {
        keepAlive?.callsChanged(to: openCalls, now: now)
        // A connection that is drained is closed by whoever owns it when its last call has ended.
        _ = age.callsChanged(to: openCalls, now: now)
    }

    /// A response or its beginning has been sent.
    mutating func sentFrame() { enforcement.sentFrame() }

    mutating func receivedPing(
        _ data: HTTP2PingData, isAnswer: Bool, openCalls: Int, now: RuntimeInstant
    ) -> [Action] {
        if isAnswer {
            guard data == Self.goAwayPing, handshake.receivedPingAnswer() != nil else { return [] }
            return [.goAway(reason, .noError, isFinal: true)]
        }
        guard !enforcement.allowsPing(openCalls: openCalls, now: now) else { return [] }
        return [.goAway("too_many_pings", .enhanceYourCalm, isFinal: true), .close]
    }

    /// Takes no new calls, in a way that loses none that is on its way.
    mutating func drain(_ reason: String, now: RuntimeInstant) -> [Action] {
        age.drain(now: now)
        guard handshake.begin(now: now) != nil else { return [] }
        self.reason = reason
        return [.goAway(reason, .noError, isFinal: false), .ping(Self.goAwayPing)]
    }

    /// What is due.
    mutating func advance(to now: RuntimeInstant) -> [Action] {
        var actions: [Action] = []
        switch keepAlive?.advance(to: now) {
        case .sendPing: actions.append(.ping(Self.keepAlivePing))
        case .close: return [.giveUp]
        case nil: break
        }
        switch age.advance(to: now) {
        case .drain(let reason): actions += drain(reason, now: now)
        case .close: return [.close]
        case nil: break
        }
        if handshake.advance(to: now) != nil { actions.append(.goAway(reason, .noError, isFinal: true)) }
        return actions
    }
}
