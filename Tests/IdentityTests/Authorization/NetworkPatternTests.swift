import Testing

@testable import Identity

@Suite struct NetworkPatternTests {
    @Test(
        "an address is in a network or not",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
            ("10.128.0.0/9", "10.127.0.1", false),
            ("10.128.0.0/9", "10.200.0.1", true), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "::1", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.1.2.0/24", "10.1.2.3", true), ("::/0", "::ffff:10.1.2.3", false),
        ])
    func matches(network: String, address: String, isInside: Bool) throws {
        let address = try #require(IPAddress(address))
        #expect(try NetworkPattern(parsing: network).matches(address) == isInside)
    }

    @Test(
        "what is no network is refused with what was expected",
        arguments: [
            "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.1/8", "2001:db8::/129", "host/8",
            "10.0.0.0/", "::ffff:10.1.2.3/24", "10.0.0/8",
        ])
    func refused(text: String) {
        let error = identityError { _ = try NetworkPattern(parsing: text) }
        #expect(error?.code == .invalidPattern)
        #expect(error?.message.hasPrefix("expected ") == true)
    }
}
