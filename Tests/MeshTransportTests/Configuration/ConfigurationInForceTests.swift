import Synchronization
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct ConfigurationInForceTests {
    @Test("a change is told to who observes, with its number, and one that is none to nobody")
    func change() throws {
        let inForce = try ConfigurationInForce(DynamicConfiguration())
        let heard = Mutex<[String]>([])
        let number = inForce.observe { old, new in heard.withLock { $0.append("\(old.number) \(new.number)") } }
        let first = inForce.number
        let change = try inForce.change {
            $0.version = "a"
            $0.retry.maximumAttempts = 5
        }
        #expect(change?.names == ["retry"])
        #expect(inForce.number == first + 1)
        #expect(inForce.current.configuration.retry.maximumAttempts == 5)
        #expect(try inForce.change { $0.retry.maximumAttempts = 5 } == nil)
        #expect(heard.withLock { $0 } == ["\(first) \(first + 1)"])
        inForce.forget(number)
        _ = try inForce.change { $0.callTimeout = .seconds(1) }
        #expect(heard.withLock { $0.count } == 1)
    }

    @Test("a refused change names every problem and leaves what was in force")
    func refused() async throws {
        let inForce = try ConfigurationInForce(DynamicConfiguration())
        let before = inForce.current
        let error = await meshError {
            _ = try inForce.change {
                $0.callTimeout = .zero
                $0.retry.maximumAttempts = 0
                $0.routes = RoutePolicy(routes: [Route("", methods: [])])
                $0.rateLimits = RateLimitPolicy(rules: [RateLimitRule("a", total: Rate(perSecond: 0))])
                $0.concurrencyLimit = .fixed(0)
            }
        }
        #expect(error?.code == .invalidConfiguration)
        for name in ["callTimeout", "retry.maximumAttempts", "routes", "rateLimits", "concurrencyLimit"] {
            #expect(error?.message.contains(name) == true, "\(name)")
        }
        #expect(inForce.current === before)
    }

    @Test("rules of rate limits and routes that stay as they were stay in force with what they have counted")
    func kept() throws {
        let inForce = try ConfigurationInForce(DynamicConfiguration())
        let slow = RateLimitRule("slow", total: Rate(perSecond: 1, burst: 1))
        _ = try inForce.change { $0.rateLimits = RateLimitPolicy(rules: [slow]) }
        let first = inForce.current.rateLimits?.buckets(method: "a/b", peer: nil, now: .at(.seconds(1)))
        #expect(first?.take(now: .at(.seconds(1))) == nil)
        _ = try inForce.change {
            $0.rateLimits.rules.insert(RateLimitRule("new", methods: ["x/*"], total: Rate(perSecond: 9)), at: 0)
        }
        let second = inForce.current.rateLimits?.buckets(method: "a/b", peer: nil, now: .at(.seconds(1)))
        #expect(second?.take(now: .at(.seconds(1)))?.rule == "slow")
        _ = try inForce.change { $0.rateLimits.rules[1].total = Rate(perSecond: 2, burst: 1) }
        let third = inForce.current.rateLimits?.buckets(method: "a/b", peer: nil, now: .at(.seconds(1)))
        #expect(third?.take(now: .at(.seconds(1))) == nil)

        _ = try inForce.change { $0.routes = RoutePolicy(routes: [Route("a"), Route("b", methods: ["x/y"])]) }
        let copies = inForce.current.routes(method: "a/b", destination: "d").first?.copies
        _ = try inForce.change { $0.routes.routes.removeLast() }
        #expect(inForce.current.routes(method: "a/b", destination: "d").first?.copies === copies)
        _ = try inForce.change { $0.retry.maximumAttempts = 9 }
        let changed = inForce.current.routes(method: "a/b", destination: "d").first
        #expect(changed?.copies !== copies)
        #expect(changed?.retry.maximumAttempts == 9)
    }
}
