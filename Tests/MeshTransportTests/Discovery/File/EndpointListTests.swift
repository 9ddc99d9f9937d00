import Identity
import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct EndpointListTests {
    private func problem(_ text: String) -> EndpointListError? {
        do throws(EndpointListError) {
            _ = try EndpointList(parsing: Array(text.utf8))
            return nil
        } catch { return error }
    }

    @Test("a line says a server and what is known of it")
    func lines() throws {
        let text = """
            # the shop
            scoring.shop\t10.0.0.1:7000   weight=2 zone=a identity=spiffe://shop.example/scoring identity=spiffe://shop.example/old/*
            scoring.shop  [fd00::2]:7000  or=10.0.0.2:7000 priority=1   # dual stack
              scoring.shop  host-3.shop:7000

            scoring.shop  unix:/run/scoring
            ledger.shop   -

            """
        let list = try EndpointList(parsing: Array(text.utf8))
        #expect(
            list.services["scoring.shop"] == [
                ServiceEndpoint(
                    .tcp(host: "10.0.0.1", port: 7_000), weight: 2, zone: "a",
                    identities: [
                        try IdentityPattern(parsing: "spiffe://shop.example/scoring"),
                        try IdentityPattern(parsing: "spiffe://shop.example/old/*"),
                    ]),
                ServiceEndpoint(
                    .tcp(host: "fd00::2", port: 7_000), priority: 1, alternatives: [.tcp(host: "10.0.0.2", port: 7_000)]
                ),
                ServiceEndpoint(.tcp(host: "host-3.shop", port: 7_000)), ServiceEndpoint(.unix(path: "/run/scoring")),
            ])
        #expect(list.services["ledger.shop"] == [])
        #expect(list.services.count == 2)
    }

    @Test("lines may end as on other systems, and a comment ends with its own")
    func carriageReturns() throws {
        let list = try EndpointList(parsing: Array("# note\r\nshop 10.0.0.1:7000\nledger 10.0.0.2:7000\r\n".utf8))
        #expect(list.services.keys.sorted() == ["ledger", "shop"])
    }

    @Test(
        "a wrong line is told by its number, with what was expected",
        arguments: [
            ("a 10.0.0.1:80", 1, "line feed at the file's end"), ("a\n", 1, "expected a place after a"),
            ("\n\na 10.0.0.1\n", 3, "expected host:port"), ("a 10.0.0.1:0\n", 1, "expected host:port"),
            ("a 10.0.0.1:+1\n", 1, "expected host:port"), ("a fd00::1:80\n", 1, "expected host:port"),
            ("a [10.0.0.1]:80\n", 1, "expected host:port"), ("a unix:\n", 1, "a path after unix:"),
            ("a b:1 weight=0\n", 1, "a weight of 1 or more, found 0"), ("a b:1 weight=x\n", 1, "a weight of 1 or more"),
            ("a b:1 priority=65536\n", 1, "a priority of 0 to 65535"), ("a b:1 zone=\n", 1, "expected name=value"),
            ("a b:1 zone\n", 1, "expected name=value"), ("a b:1 zone=a zone=b\n", 1, "zone= once"),
            ("a b:1 colour=red\n", 1, "found colour="), ("a b:1 identity=shop\n", 1, "found \"shop\""),
            ("a b:1 or=c\n", 1, "expected host:port"), ("a b:1\na b:1 weight=2\n", 2, "expected b:1 once for a"),
            ("a -\na b:1\n", 2, "all that is said of a"), ("a b:1\na -\n", 2, "all that is said of a"),
            ("a - weight=1\n", 1, "all that is said of a"), ("# nothing\n", 1, "found none"), ("\n", 1, "found none"),
            ("", 1, "found none"),
        ])
    func problems(text: String, line: Int, message: String) {
        let found = problem(text)
        #expect(
            found?.line == line && found?.message.contains(message) == true, "\(found.map(\.description) ?? "read")")
    }

    @Test("bytes that are no text are refused")
    func encoding() { #expect(throws: EndpointListError.self) { try EndpointList(parsing: [0x61, 0x20, 0xFF, 0x0A]) } }

    @Test("a file of more servers than it may have is refused")
    func limit() {
        let lines = (0...EndpointList.serverLimit).map { "a h\($0):1\n" }.joined()
        #expect(problem(lines)?.line == EndpointList.serverLimit + 1)
    }

    @Test("a file that is cut off anywhere is refused, but at a line's end")
    func cut() {
        let text = "scoring.shop 10.0.0.1:7000 weight=2 zone=a\nscoring.shop 10.0.0.2:7000\n"
        let ends = text.utf8.enumerated().filter { $0.element == UInt8(ascii: "\n") }.map { $0.offset + 1 }
        for count in 0...text.utf8.count {
            #expect((problem(String(text.prefix(count))) == nil) == ends.contains(count), "\(count) bytes")
        }
    }

    @Test("changed files are read or refused")
    func hostile() {
        let text = Array("scoring.shop [fd00::2]:7000 or=10.0.0.2:7000 priority=1 # x\nledger.shop -\n".utf8)
        for seed in 0..<UInt64(rounds(1_000)) {
            var (generator, bytes) = (SeededGenerator(seed: seed), text)
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8(generator.next() & 0x7F)
            }
            _ = try? EndpointList(parsing: bytes)
        }
    }
}
