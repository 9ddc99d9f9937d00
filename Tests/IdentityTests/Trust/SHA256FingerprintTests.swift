import Testing

@testable import Identity

@Suite struct SHA256FingerprintTests {
    @Test("the fingerprint of abc is FIPS 180-2's")
    func knownAnswer() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(SHA256Fingerprint(of: Array("abc".utf8)).description == expected)
    }

    @Test("bytes and fingerprint are the same thing, 32 bytes long")
    func bytes() {
        let fingerprint = SHA256Fingerprint(of: [1, 2, 3])
        #expect(SHA256Fingerprint(bytes: fingerprint.bytes) == fingerprint)
        #expect(SHA256Fingerprint(bytes: fingerprint.bytes.dropLast()) == nil)
        #expect(SHA256Fingerprint(bytes: fingerprint.bytes + [0]) == nil)
    }

    @Test("a difference in any byte is a difference", arguments: 0..<32)
    func difference(index: Int) throws {
        var bytes = SHA256Fingerprint(of: []).bytes
        bytes[index] ^= 0x80
        #expect(try #require(SHA256Fingerprint(bytes: bytes)) != SHA256Fingerprint(of: []))
    }
}
