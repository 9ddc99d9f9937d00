import MeshWire
import Testing

@testable import MeshTransport

@Suite struct DNSConfigurationTests {
    @Test("every property that is out of range is named")
    func problems() {
        var configuration = DNSConfiguration()
        #expect(configuration.problems.isEmpty)
        configuration.servers = [.tcp(host: "names.example", port: 53), .unix(path: "/run/names")]
        configuration.searchDomains = ["a..b"]
        configuration.timeout = .zero
        configuration.attempts = 0
        configuration.minimumTimeToLive = .zero
        configuration.maximumTimeToLive = .seconds(-1)
        configuration.maximumNegativeTimeToLive = .zero
        configuration.absenceTolerance = .seconds(-1)
        configuration.jitter = 2
        configuration.backoff.base = .zero
        configuration.rememberedAnswers = 0
        configuration.maximumEndpoints = 0
        for name in [
            "servers must be addresses with ports, one is names.example:53", "unix:/run/names", "a..b", "timeout",
            "attempts",
            "minimumTimeToLive", "maximumTimeToLive", "maximumNegativeTimeToLive", "absenceTolerance", "jitter",
            "backoff.base",
            "rememberedAnswers", "maximumEndpoints",
        ] {
            #expect(configuration.problems.contains { $0.contains(name) }, "\(name)")
        }
        #expect(throws: MeshError.self) { try DNSResolver(configuration) }
    }

    @Test("an answer is believed for its time, within the bounds")
    func times() {
        let configuration = DNSConfiguration()
        func time(_ seconds: UInt32) -> Duration { configuration.time(of: .records([], timeToLive: seconds)) }
        #expect([0, 1, 30, 300, 86_400].map(time) == [1, 1, 30, 300, 300].map { .seconds($0) })
        func absence(_ seconds: UInt32?) -> Duration {
            configuration.time(of: .absent(isName: true, timeToLive: seconds))
        }
        #expect([nil, 0, 10, 3_600].map(absence) == [1, 1, 10, 30].map { .seconds($0) })
    }
}
