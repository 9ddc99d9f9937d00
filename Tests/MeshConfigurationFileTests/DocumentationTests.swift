import Foundation
import Identity
import MeshConfigurationFile
import MeshTransport
import Testing

/// The documentation's examples are read as a host's file would be.
@Suite struct DocumentationTests {
    private func examples() throws -> [String] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let page = try String(
            contentsOf: folder.appendingPathComponent("../../Documentation/Behaviours/Configuration.md"),
            encoding: .utf8)
        return page.components(separatedBy: "```yaml\n").dropFirst().map {
            $0.components(separatedBy: "\n```")[0] + "\n"
        }
    }

    @Test("the documented defaults are the defaults, all of them")
    func defaults() throws {
        let page = try #require(try examples().first)
        var expected = DynamicConfiguration()
        expected.version = "defaults"
        let read = try DynamicConfiguration(yaml: Array(page.utf8), file: "page")
        #expect(read == expected)
        // Read over what is different everywhere, the file's say counts.
        var other = DynamicConfiguration()
        other.callTimeout = .seconds(99)
        other.failfastTimeout = .seconds(99)
        other.routes = RoutePolicy(routes: [Route("other")])
        other.rateLimits = RateLimitPolicy(rules: [RateLimitRule("other")])
        other.rateLimits.identities = 9
        other.concurrencyLimit = .fixed(9)
        other.admission = AdmissionPolicy(rules: [AdmissionRule("other", limit: .fixed(9))])
        other.retry.maximumAttempts = 9
        other.retry.attemptTimeout = .seconds(99)
        other.retry.backoffBase = .seconds(99)
        other.retry.backoffLimit = .seconds(99)
        other.retry.jitter = 0.9
        other.retry.statuses = [.unavailable]
        other.retry.budget = nil
        other.retry.hedging = HedgingConfiguration()
        other.balancing.policy = .random
        other.balancing.defaultLatency = .seconds(99)
        other.balancing.decay = .seconds(99)
        other.balancing.rateLimitPenalty = .seconds(99)
        other.balancing.longestRetryAfter = .seconds(99)
        other.balancing.failurePenalty = .seconds(99)
        other.balancing.slowStart?.window = .seconds(99)
        other.balancing.slowStart?.minimumShare = 0.9
        other.balancing.zonePreference = .init(zone: "z")
        other.balancing.subset = .init(size: 9)
        other.failureAccrual?.consecutiveFailures = nil
        other.failureAccrual?.successRate = .init()
        other.failureAccrual?.minimumPenalty = .seconds(99)
        other.failureAccrual?.maximumPenalty = .seconds(999)
        other.failureAccrual?.jitter = 0.9
        other.failureAccrual?.maximumEjectedShare = 0.9
        other.connectBackoff.base = .seconds(9)
        other.connectBackoff.limit = .seconds(99)
        other.connectBackoff.jitter = 0.9
        let overlaid = try DynamicConfiguration(yaml: Array(page.utf8), file: "page", over: other)
        #expect(overlaid == expected)
    }

    @Test("the documented lists say what is written there")
    func lists() throws {
        let page = try #require(try examples().last)
        let read = try DynamicConfiguration(yaml: Array(page.utf8), file: "page")
        var expected = DynamicConfiguration()
        expected.version = "canary-7"
        expected.authorization = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule(
                "the red team, from inside", methods: ["shop.Scoring/*", "*"],
                identities: ["spiffe://shop.example/team/*"], networks: ["10.0.0.0/8", "2001:db8::/32"],
                claims: ["team": ["red"], "role": ["*"]])
        ])
        var testers = Route("testers", services: ["scoring"], methods: ["shop.Scoring/*"])
        testers.metadata = [
            MetadataMatch("x-tester", .present), MetadataMatch("x-version", .prefix("2.")),
            MetadataMatch("x-region", .exact("eu")),
        ]
        let next = try IdentityPattern(parsing: "spiffe://shop.example/next/*")
        testers.backends = [RouteBackend(Destination(service: "scoring-next", identities: [next]))]
        var canary = Route("canary", services: ["scoring"])
        canary.redirect = "shop.Scoring/ScoreAll"
        let first = try IdentityPattern(parsing: "spiffe://shop.example/next/0")
        canary.backends = [
            RouteBackend(Destination(service: "scoring"), weight: 95),
            RouteBackend(Destination(host: "10.0.0.1", port: 7_000, identities: [first]), weight: 5),
        ]
        canary.mirror = RouteMirror(Destination(service: "scoring-shadow"), share: 0.01, concurrent: 100)
        var faults = RouteFaults()
        faults.delay = .milliseconds(100)
        faults.delayShare = 0.005
        faults.abortShare = 0.001
        canary.faults = faults
        canary.timeout = .seconds(2)
        canary.attemptTimeout = .milliseconds(500)
        canary.idleTimeout = .seconds(60)
        canary.maximumAttempts = 2
        canary.retriedStatuses = [.unavailable, .internalError]
        var hedging = HedgingConfiguration()
        (hedging.percentile, hedging.samples) = (0.99, 200)
        (hedging.initialDelay, hedging.minimumDelay) = (.milliseconds(50), .milliseconds(2))
        canary.hedging = hedging
        expected.routes = RoutePolicy(routes: [testers, canary])
        expected.rateLimits = RateLimitPolicy(rules: [
            RateLimitRule(
                "scoring", methods: ["shop.Scoring/*"], total: Rate(perSecond: 5_000, burst: 500),
                perIdentity: Rate(perSecond: 100),
                overrides: [.init(identities: ["spiffe://shop.example/batch/*"], Rate(perSecond: 10))])
        ])
        expected.concurrencyLimit = .gradient(GradientConfiguration())
        var scoring = AdmissionRule("scoring", services: ["scoring", "10.0.0.1:7000"], limit: .fixed(20))
        scoring.queue = 500
        expected.admission = AdmissionPolicy(rules: [
            scoring, AdmissionRule("all others", limit: .gradient(GradientConfiguration())),
        ])
        #expect(read == expected)
    }
}
