import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct PercentEncodingTests {
    @Test(
        "printable ASCII stays, all else is escaped",
        arguments: [
            ("plain text!", "plain text!"), ("100 %", "100 %25"), ("ä", "%C3%A4"), ("\t\r\n", "%09%0D%0A"),
            // The text of gRPC's interoperability case "special_status_message".
            (
                "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
                "%09%0Atest with whitespace%0D%0Aand Unicode BMP %E2%98%BA and non-BMP %F0%9F%98%88%09%0A"
            ),
        ])
    func encoding(text: String, encoded: String) {
        #expect(PercentEncoding.encode(text, limit: 1_000) == encoded)
        #expect(PercentEncoding.decode(encoded) == text)
    }

    @Test("what is no escape is kept")
    func lenient() {
        #expect(PercentEncoding.decode("50% of %zz and %4") == "50% of %zz and %4")
        #expect(PercentEncoding.decode("%c3%a4") == "ä")
        #expect(PercentEncoding.decode("%FF") == "\u{FFFD}")
    }

    @Test("a long text is cut between characters")
    func limit() {
        #expect(PercentEncoding.encode("abcä", limit: 8) == "abc")
        #expect(PercentEncoding.encode("abcä", limit: 9) == "abc%C3%A4")
    }

    @Test("any text comes back")
    func roundTrip() {
        let seed: UInt64 = 8
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds(200) {
            let text = generator.text(Int(generator.next() % 50))
            #expect(PercentEncoding.decode(PercentEncoding.encode(text, limit: 10_000)) == text, "seed \(seed)")
        }
    }
}
