import Testing

@testable import Identity

@Suite struct DNSNameTests {
    @Test(
        "host names are accepted",
        arguments: ["a", "localhost", "worker-0.digits.example", "1.example", "xn--bcher-kva.example"])
    func accepts(name: String) {
        #expect(DNSName.problem(with: name) == nil)
    }

    @Test(
        "everything else is refused",
        arguments: [
            "", ".", "a.", ".a", "a..b", "-a", "a-", "A", "a_b", "*.a", "a b", "ü", "a\u{0}",
            String(repeating: "a", count: 64),
            Array(repeating: "abc", count: 64).joined(separator: "."),
        ])
    func refuses(name: String) {
        #expect(DNSName.problem(with: name) != nil)
    }
}
