import Testing

@testable import Identity

@Suite struct Base64Tests {
    @Test(
        "RFC 4648's vectors",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
    }

    @Test("the two digits beyond letters and numbers are + and /")
    func digits() {
        #expect(Base64.encode([0xFB, 0xEF, 0xFF]) == "++//")
        #expect(Base64.decode("++//") == [0xFB, 0xEF, 0xFF])
    }

    @Test(
        "one value has one text",
        arguments: ["Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "=", "Zm9v=", "Z g=", "--__", "Zg==\n", "Zm9v Zg="])
    func strict(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
