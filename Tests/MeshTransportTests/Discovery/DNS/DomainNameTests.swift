import Testing

@testable import MeshTransport

@Suite struct DomainNameTests {
    @Test("names are compared without regard to case, and a dot at the end changes nothing")
    func equality() {
        #expect(DomainName("Scoring.Shop") == DomainName("scoring.shop."))
        #expect(DomainName("scoring.shop") != DomainName("scoring.shops"))
        #expect(DomainName("scoring.shop")?.wire == [7] + Array("scoring".utf8) + [4] + Array("shop".utf8) + [0])
    }

    @Test(
        "what is no host's name is no name",
        arguments: ["", ".", "a..b", ".a", "a b", "ä.de", "a/b", String(repeating: "a", count: 64)])
    func refused(text: String) { #expect(DomainName(text) == nil) }

    @Test("a label has at most 63 bytes, and a name 255")
    func limits() {
        let label = String(repeating: "a", count: 63)
        let longest = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(DomainName(longest)?.wire.count == 255)
        #expect(DomainName(longest + "b") == nil)
        #expect(DomainName(label + "a") == nil)
        #expect(DomainName(longest)?.below(DomainName("x")!) == nil)
    }

    @Test("a name below a domain is within it, and none that merely ends like it")
    func domains() throws {
        let (domain, name) = (try #require(DomainName("shop.example")), try #require(DomainName("scoring")))
        #expect(name.below(domain) == DomainName("scoring.shop.example"))
        #expect(name.below(domain)?.isWithin(domain) == true)
        #expect(domain.isWithin(domain) && domain.isWithin(.root))
        #expect(DomainName("myshop.example")?.isWithin(domain) == false)
        #expect(DomainName("example")?.isWithin(domain) == false)
    }

    @Test("a name from the network is written with its unusual bytes escaped")
    func escapes() {
        #expect(DomainName(labels: [[0x2E, 0x41, 0x00], [0xFF]])?.description == "\\046a\\000.\\255")
        #expect(DomainName.root.description == ".")
    }
}
