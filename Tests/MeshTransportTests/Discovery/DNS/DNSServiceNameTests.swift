import Testing

@testable import MeshTransport

@Suite struct DNSServiceNameTests {
    @Test(
        "a host with a port means its addresses",
        arguments: [
            ("scoring.shop:7000", "scoring.shop", 7_000), ("scoring:1", "scoring", 1),
            ("10.0.0.1:65535", "10.0.0.1", 65_535), ("[fd00::1]:80", "fd00::1", 80),
        ])
    func addresses(text: String, host: String, port: Int) throws {
        let name = try DNSServiceName(text)
        #expect(name.host == host && name.kind == .addresses(port: port))
    }

    @Test("a name that begins with an underscore means SRV records")
    func servers() throws {
        let name = try DNSServiceName("_scoring._tcp.shop.example")
        #expect(name.host == "_scoring._tcp.shop.example" && name.kind == .servers)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "scoring.shop", "scoring.shop:", "scoring.shop:0", "scoring.shop:65536", "scoring.shop:+1", ":80",
            "a b:80",
            "_scoring", "_scoring._tcp.shop:80", "[nonsense]x:80",
        ])
    func refused(text: String) { #expect(throws: DNSFailure.self) { try DNSServiceName(text) } }

    @Test(
        "a name is completed with the domains, before or after it is taken as it is, as its dots say",
        arguments: [
            ("scoring", 1, ["scoring.a", "scoring.b.c", "scoring"]),
            ("scoring.shop", 1, ["scoring.shop", "scoring.shop.a", "scoring.shop.b.c"]),
            ("scoring.shop", 5, ["scoring.shop.a", "scoring.shop.b.c", "scoring.shop"]),
            ("scoring.shop.", 5, ["scoring.shop"]), ("scoring", 0, ["scoring", "scoring.a", "scoring.b.c"]),
        ])
    func candidates(text: String, dots: Int, expected: [String]) throws {
        let domains = try ["a", "b.c"].map { try #require(DomainName($0)) }
        #expect(DNSServiceName.candidates(text, in: domains, dots: dots).map(\.description) == expected)
    }
}
