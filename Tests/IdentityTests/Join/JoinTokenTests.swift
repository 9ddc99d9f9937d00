import Testing

@testable import Identity

@Suite struct JoinTokenTests {
    static func token(seed: UInt64 = 1) -> JoinToken {
        var generator = SeededGenerator(seed: seed)
        return JoinToken(rootFingerprint: SHA256Fingerprint(of: [1, 2, 3]), using: &generator)
    }

    @Test("a token's text is read back")
    func roundTrip() throws {
        let token = Self.token()
        #expect(token.text.hasPrefix("meshwork-join-1."))
        #expect(try JoinToken(parsing: token.text) == token)
        #expect(token.secret.count == 32)
        #expect(JoinToken(rootFingerprint: token.rootFingerprint, secret: token.secret) == token)
        #expect(JoinToken(rootFingerprint: token.rootFingerprint, secret: [1]) == nil)
        #expect(Self.token(seed: 2).secret != token.secret)
    }

    @Test("a token that is cut short, longer, of another version or changed in any character is refused")
    func refusals() {
        let text = Self.token().text
        var bad = [
            "", "meshwork-join-1.", "meshwork-join-2." + text.dropFirst(16), String(text.dropLast()), text + "A",
            " " + text, text + "\n",
        ]
        for index in text.indices {
            let replacement: Character = text[index] == "A" ? "B" : "A"
            bad.append(text[..<index] + String(replacement) + text[text.index(after: index)...])
        }
        for text in bad {
            let error = identityError { try JoinToken(parsing: text) }
            #expect(error?.code == .malformedToken)
            #expect(error?.description.contains(text.dropFirst(20).prefix(20)) == false || text.count < 30)
        }
    }

    @Test("only the text shows the secret")
    func secrecy() {
        let token = Self.token()
        var dumped = ""
        dump(token, to: &dumped)
        let shown = [dumped, "\(token)", String(reflecting: token), "\([token])"]
        let secret = token.text.suffix(40)
        for text in shown {
            #expect(!text.contains(secret))
            #expect(!text.contains("secret"))
            #expect(!text.contains(token.secret.prefix(4).map(String.init).joined(separator: ", ")))
        }
    }
}
