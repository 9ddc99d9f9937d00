import Crypto
import Testing

@testable import Identity

@Suite struct KeySealingTests {
    static let passphrase = Array("open sesame".utf8)

    @Test("the key of a passphrase is RFC 7914's")
    func scrypt() throws {
        let cost = try #require(SealingCost(logarithm: 14))
        let key = try KeySealing.key(Array("pleaseletmein".utf8), salt: Array("SodiumChloride".utf8), cost: cost)
        // The bytes are copied before the closure returns.
        let bytes = unsafe key.withUnsafeBytes { unsafe Array($0) }
        #expect(Hexadecimal.encode(bytes) == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
    }

    @Test("what another program sealed in this format is opened")
    func otherProgram() throws {
        let sealed = try #require(
            Hexadecimal.decode(
                "4d455348574f524b2d5345414c454431010a000102030405060708090a0b0c0d0e0f646566676869"
                    + "6a6b6c6d6e6fe20e07b4c9b10492bb779918d5b0b545aba047aa3fa305f7"))
        #expect(try KeySealing.open(sealed, .root, passphrase: Self.passphrase) == Array("a secret".utf8))
    }

    @Test("what is sealed is opened with the passphrase, and shows nothing")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 21)
        let secret = Array("a secret that nobody may see".utf8)
        let sealed = try KeySealing.seal(secret, .root, passphrase: Self.passphrase, cost: .low, using: &generator)
        #expect(sealed.count == 16 + 2 + 16 + 12 + secret.count + 16)
        #expect(try KeySealing.open(sealed, .root, passphrase: Self.passphrase) == secret)
        #expect(!sealed.indices.contains { sealed[$0...].starts(with: secret.prefix(6)) })
        let again = try KeySealing.seal(secret, .root, passphrase: Self.passphrase, cost: .low, using: &generator)
        #expect(again.dropFirst(18) != sealed.dropFirst(18))
    }

    @Test("another passphrase, another kind, any changed byte and any part of it open nothing")
    func refusals() throws {
        var generator = SeededGenerator(seed: 22)
        let sealed = try KeySealing.seal([1, 2, 3], .root, passphrase: Self.passphrase, cost: .low, using: &generator)
        func code(_ bytes: [UInt8], _ kind: KeySealing.Kind = .root, _ passphrase: [UInt8] = Self.passphrase)
            -> IdentityError.Code?
        {
            identityError { try KeySealing.open(bytes, kind, passphrase: passphrase) }?.code
        }
        #expect(code(sealed) == nil)
        #expect(code(sealed, .authority) == .cannotUnseal)
        #expect(code(sealed, .root, Array("open Sesame".utf8)) == .cannotUnseal)
        #expect(code(sealed, .root, []) == .cannotUnseal)
        for index in [0, 15, 16, 18, 33, 34, 45, 46, 48, 49, sealed.count - 1] {
            var changed = sealed
            changed[index] ^= 1
            #expect(code(changed) == .cannotUnseal, "byte \(index)")
        }
        for length in [0, 1, 16, 45, 61, sealed.count - 1] {
            #expect(code(Array(sealed.prefix(length))) == .cannotUnseal)
        }
        #expect(code(sealed + [0]) == .cannotUnseal)
        #expect(code(sealed + Array(repeating: 0, count: 65_536)) == .cannotUnseal)
    }

    @Test("a cost beyond the limits is refused before it is paid", arguments: [0, 9, 21, 63, 255] as [UInt8])
    func cost(logarithm: UInt8) throws {
        #expect(SealingCost(logarithm: logarithm) == nil)
        var generator = SeededGenerator(seed: 23)
        var sealed = try KeySealing.seal([1], .root, passphrase: Self.passphrase, cost: .low, using: &generator)
        sealed[17] = logarithm
        let error = identityError { try KeySealing.open(sealed, .root, passphrase: Self.passphrase) }
        #expect(error?.message.contains("rounds of scrypt, found 2^\(logarithm)") == true)
    }

    @Test("an empty passphrase seals nothing")
    func empty() {
        var generator = SeededGenerator(seed: 24)
        let error = identityError { try KeySealing.seal([1], .root, passphrase: [], cost: .low, using: &generator) }
        #expect(error?.code == .invalidConfiguration)
    }
}
