import Testing

@testable import Identity

/// The key and note of golang.org/x/mod/sumdb/note, the format's first implementation.
enum NoteVectors {
    static let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let privateKey = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    static let text =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    static let signature =
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

    static func signer() throws -> NoteSigner {
        let encoded = try #require(Base64.decode(privateKey))
        return try NoteSigner(name: "PeterNeumann", privateKey: Array(encoded.dropFirst()))
    }
}

@Suite struct NoteKeyTests {
    @Test("a key's text form is read and written, and its identifier is the first implementation's")
    func text() throws {
        let key = try NoteKey(parsing: NoteVectors.key)
        #expect(key.name == "PeterNeumann")
        #expect(key.text == NoteVectors.key)
        #expect(try NoteVectors.signer().publicKey == key)
        let own = try NoteSigner(name: "digits.example/issuance")
        #expect(try NoteKey(parsing: own.publicKey.text) == own.publicKey)
        let again = try NoteSigner(name: "digits.example/issuance", privateKey: own.withPrivateKey { $0 })
        #expect(again.publicKey == own.publicKey)
    }

    @Test("no part of a text form is one, and no changed one")
    func strict() {
        let bytes = Array(NoteVectors.key.utf8)
        for length in 0..<bytes.count {
            #expect(
                identityError { try NoteKey(parsing: String(decoding: bytes.prefix(length), as: UTF8.self)) } != nil)
        }
        for index in bytes.indices {
            var changed = bytes
            changed[index] += 1
            #expect(identityError { try NoteKey(parsing: String(decoding: changed, as: UTF8.self)) } != nil, "\(index)")
        }
        #expect(identityError { try NoteKey(parsing: NoteVectors.key + "\n") } != nil)
    }

    @Test(
        "a name has no spaces, no plus and no control characters",
        arguments: ["", "a b", "a+b", "a\u{A0}b", "a\nb", "a\u{7F}", String(repeating: "a", count: 256)])
    func names(name: String) {
        #expect(identityError { try NoteSigner(name: name) }?.code == .malformedNote)
    }

    @Test("neither description nor reflection shows a private key")
    func secrecy() throws {
        let signer = try NoteVectors.signer()
        var output = "\(signer)"
        dump(signer, to: &output)
        #expect(!output.contains("PrivateKey") && !output.contains("rawRepresentation"))
        #expect(identityError { try NoteSigner(name: "a", privateKey: [1, 2]) }?.message.contains("found 2") == true)
    }
}
