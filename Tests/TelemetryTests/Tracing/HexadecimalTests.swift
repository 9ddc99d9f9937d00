import Testing

@testable import Telemetry

@Suite struct HexadecimalTests {
    @Test("digits are read and written, lowercase alone, at most 16")
    func digits() {
        #expect(Hexadecimal.value("0123456789abcdef".utf8) == 0x0123_4567_89AB_CDEF)
        #expect(Hexadecimal.value("f".utf8) == 15)
        for text in ["", "F", "g", "+1", "-1", " 1", "0x1", "é", "00000000000000000"] {
            #expect(Hexadecimal.value(text.utf8) == nil, "\(text)")
        }
        var text: [UInt8] = []
        Hexadecimal.append(0x1A2, digits: 2, to: &text)
        #expect(text == Array("a2".utf8))
    }
}
