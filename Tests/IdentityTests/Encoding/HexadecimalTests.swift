import Testing

@testable import Identity

@Suite struct HexadecimalTests {
    @Test(
        "bytes are two lower-case digits each",
        arguments: [([], ""), ([0, 0x9F, 0xFF], "009fff")] as [([UInt8], String)])
    func digits(bytes: [UInt8], text: String) {
        #expect(Hexadecimal.encode(bytes) == text)
        #expect(Hexadecimal.decode(text) == bytes)
    }

    @Test("one value has one text", arguments: ["0", "0g", "FF", " 00", "0x00", "00 ", "é"])
    func strict(text: String) {
        #expect(Hexadecimal.decode(text) == nil)
    }
}
