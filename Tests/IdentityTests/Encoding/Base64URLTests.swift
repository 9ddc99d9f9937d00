import Testing

@testable import Identity

@Suite struct Base64URLTests {
    @Test(
        "RFC 4648's vectors, without padding",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, encoded: String) {
        #expect(Base64URL.encode(Array(plain.utf8)) == encoded)
        #expect(Base64URL.decode(encoded.utf8) == Array(plain.utf8))
    }

    @Test("random bytes are read back, and the alphabet is the URL one")
    func roundTrip() {
        let seed: UInt64 = 0xB64
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let text = Base64URL.encode(bytes)
            #expect(!text.contains("+") && !text.contains("/") && !text.contains("="))
            #expect(Base64URL.decode(text.utf8) == bytes)
        }
    }

    @Test("one value has one text", arguments: ["A", "AAAAA", "Zh", "Zm9", "Zg==", "Z g", "Zm+v", "Zm/v", "Zg\n"])
    func strict(text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }
}
