import Foundation
import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct Base64Tests {
    private func decode(_ text: String) -> [UInt8]? { Base64.decode(text[...].utf8) }

    @Test("bytes come back, with padding and without, and agree with Foundation's")
    func roundTrip() {
        let seed: UInt64 = 3
        var generator = SeededGenerator(seed: seed)
        for length in 0..<rounds(300) {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            let padded = Data(bytes).base64EncodedString()
            #expect(Base64.encode(bytes) == padded.filter { $0 != "=" }, "seed \(seed)")
            #expect(decode(padded) == bytes)
            #expect(decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test(
        "foreign characters and impossible lengths are refused",
        arguments: ["A", "AAAAA", "AA-_", "AA A", "=AAA", "AA=", "A===", "====="])
    func malformed(text: String) {
        #expect(decode(text) == nil)
    }
}
