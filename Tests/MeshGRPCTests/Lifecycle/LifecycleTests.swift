import MeshWire
import TestSupport
import Testing

@testable import MeshGRPC

private func at(_ seconds: Double) -> RuntimeInstant { RuntimeInstant(nanoseconds: Int64(seconds * 1e9)) }

@Suite struct PingEnforcementTests {
    @Test("pings that come too early are strikes")
    func strikes() {
        var enforcement = PingEnforcement()
        let answers = (0..<5).map { enforcement.allowsPing(openCalls: 1, now: at(Double($0))) }
        #expect(answers == [true, true, true, false, false])
    }

    @Test("pings in their time are none")
    func inTime() {
        var enforcement = PingEnforcement()
        for ping in 0..<100 { #expect(enforcement.allowsPing(openCalls: 0, now: at(Double(ping) * 10)) == true) }
    }

    @Test("what the server sends forgives")
    func forgiven() {
        var enforcement = PingEnforcement()
        for ping in 0..<100 {
            if ping % 3 == 0 { enforcement.sentFrame() }
            #expect(enforcement.allowsPing(openCalls: 1, now: at(Double(ping))) == true)
        }
    }

    @Test("an idle client has two hours, where that is the rule")
    func idle() {
        var configuration = PingEnforcementConfiguration()
        configuration.allowsWithoutCalls = false
        configuration.strikes = 0
        var enforcement = PingEnforcement(configuration)
        #expect(enforcement.allowsPing(openCalls: 0, now: at(0)) == true)
        #expect(enforcement.allowsPing(openCalls: 0, now: at(7_200)) == true)
        #expect(enforcement.allowsPing(openCalls: 0, now: at(14_000)) == false)
    }
}

@Suite struct ConnectionAgeTests {
    private func age(_ change: (inout ConnectionAgeConfiguration) -> Void, seed: UInt64 = 1) -> ConnectionAge {
        var configuration = ConnectionAgeConfiguration()
        change(&configuration)
        var generator = SeededGenerator(seed: seed)
        return ConnectionAge(configuration, now: at(0), using: &generator)
    }

    @Test("by default a connection lives for ever")
    func unlimited() {
        var connection = age { _ in }
        #expect(connection.deadline == nil)
        #expect(connection.advance(to: at(1e9)) == nil)
    }

    @Test("an idle connection is drained, one with calls is not")
    func idle() {
        var connection = age { $0.idle = .seconds(60) }
        #expect(connection.deadline == at(60))
        #expect(connection.callsChanged(to: 1, now: at(50)) == nil)
        #expect(connection.deadline == nil)
        #expect(connection.callsChanged(to: 0, now: at(70)) == nil)
        #expect(connection.advance(to: at(129)) == nil)
        #expect(connection.advance(to: at(130)) == .drain("max_idle"))
        #expect(connection.advance(to: at(160)) == .close)
        #expect(connection.deadline == nil)
    }

    @Test("an old connection is drained, and closed with its last call or when the grace is over")
    func old() {
        for endsByItself in [true, false] {
            var connection = age {
                $0.age = .seconds(100)
                $0.grace = .seconds(30)
            }
            #expect(connection.callsChanged(to: 2, now: at(1)) == nil)
            #expect(connection.advance(to: at(110)) == .drain("max_age"))
            #expect(connection.callsChanged(to: 1, now: at(120)) == nil)
            if endsByItself {
                #expect(connection.callsChanged(to: 0, now: at(130)) == .close)
            } else {
                #expect(connection.advance(to: at(139)) == nil)
                #expect(connection.advance(to: at(140)) == .close)
            }
            #expect(connection.advance(to: at(1_000)) == nil)
        }
    }

    @Test("ages differ by a tenth at most")
    func jitter() {
        let deadlines = (0..<200 as Range<UInt64>).compactMap { seed in
            age({ $0.age = .seconds(100) }, seed: seed).deadline
        }
        #expect(deadlines.allSatisfy { (at(90)...at(110)).contains($0) })
        #expect(deadlines.min()! < at(92) && deadlines.max()! > at(108))
    }
}

@Suite struct GoAwayHandshakeTests {
    @Test("the last stream is named when the client has answered")
    func answered() {
        var handshake = GoAwayHandshake()
        #expect(handshake.receivedPingAnswer() == nil)
        #expect(handshake.begin(now: at(0)) == .announce)
        #expect(handshake.begin(now: at(1)) == nil)
        #expect(!handshake.isFinal)
        #expect(handshake.receivedPingAnswer() == .finalize)
        #expect(handshake.isFinal)
        #expect(handshake.receivedPingAnswer() == nil)
        #expect(handshake.deadline == nil)
    }

    @Test("or when it does not answer")
    func silent() {
        var handshake = GoAwayHandshake()
        _ = handshake.begin(now: at(0))
        #expect(handshake.advance(to: at(9)) == nil)
        #expect(handshake.advance(to: at(10)) == .finalize)
        #expect(handshake.advance(to: at(20)) == nil)
    }
}
