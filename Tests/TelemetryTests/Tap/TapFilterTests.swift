import Testing

@testable import Telemetry

@Suite struct TapFilterTests {
    static let event = TapEvent(
        direction: .inbound, method: "shop.Scoring/Score", peer: "spiffe://shop.example/web", status: "ok",
        nanoseconds: 5_000_000)

    @Test("an empty filter lets everything through, and each condition keeps out what it does not hold for")
    func conditions() {
        var event = Self.event
        #expect(TapFilter().matches(event))
        #expect(TapFilter(direction: .inbound).matches(event))
        #expect(!TapFilter(direction: .outbound).matches(event))
        #expect(TapFilter(statuses: ["ok", "cancelled"]).matches(event))
        #expect(!TapFilter(statuses: ["unavailable"]).matches(event))
        #expect(!TapFilter(statuses: []).matches(event))
        #expect(TapFilter(minimumNanoseconds: 5_000_000).matches(event))
        #expect(!TapFilter(minimumNanoseconds: 5_000_001).matches(event))
        #expect(TapFilter(peer: "spiffe://shop.example/*").matches(event))
        #expect(!TapFilter(peer: "spiffe://other.example/*").matches(event))
        #expect(!TapFilter(direction: .inbound, method: "shop.Cart/*").matches(event))
        event.peer = nil
        #expect(TapFilter(method: "*").matches(event))
        #expect(!TapFilter(peer: "*").matches(event))
    }

    @Test(
        "a star stands for any characters, and everything else for itself",
        arguments: [
            ("shop.Scoring/Score", true), ("*", true), ("**", true), ("shop.*/Score", true), ("*Score", true),
            ("shop.Scoring/Score*", true), ("*.Scoring/*", true), ("*o*o*o*", true), ("s*p*S*e", true), ("", false),
            ("shop.Scoring", false), ("Score", false), ("shop.*/score", false), ("*x*", false),
            ("shop?Scoring/Score", false),
            ("*Scoring/Scor", false), ("shop.Scoring/Score?", false),
        ])
    func patterns(pattern: String, isMatch: Bool) {
        #expect(TapFilter.matches(Self.event.method, pattern: pattern) == isMatch)
    }

    @Test("a pattern of many stars takes no longer than its length allows")
    func hostile() {
        let text = String(repeating: "a", count: 5_000)
        #expect(!TapFilter.matches(text, pattern: String(repeating: "*a", count: 50) + "b"))
        #expect(TapFilter.matches("", pattern: "***"))
    }
}
