import Testing

@testable import Identity

@Suite struct SignedNoteTests {
    static let note = NoteVectors.text + "\n" + NoteVectors.signature

    @Test("the first implementation's note is read")
    func vector() throws {
        let key = try NoteKey(parsing: NoteVectors.key)
        #expect(try SignedNote(parsing: Self.note).text(verifiedBy: key) == NoteVectors.text)
    }

    @Test("a text that is signed is read again, and its signature names the key as the first implementation does")
    func signing() throws {
        let signer = try NoteVectors.signer()
        let note = try SignedNote.sign(NoteVectors.text, by: signer)
        #expect(note.hasPrefix(NoteVectors.text + "\n— PeterNeumann x08go"))
        #expect(try SignedNote(parsing: note).text(verifiedBy: signer.publicKey) == NoteVectors.text)
    }

    @Test("signatures of others are passed over, and a text may have empty lines")
    func others() throws {
        let (one, two) = (try NoteSigner(name: "a.example"), try NoteSigner(name: "b.example"))
        let text = "first\n\nsecond\n"
        let lines = try [one, two].map { try SignedNote.sign(text, by: $0).dropFirst(text.count + 1) }
        let note = text + "\n" + lines.joined()
        #expect(try SignedNote(parsing: note).text(verifiedBy: one.publicKey) == text)
        #expect(try SignedNote(parsing: note).text(verifiedBy: two.publicKey) == text)
        let stranger = try NoteSigner(name: "a.example").publicKey
        let error = identityError { try SignedNote(parsing: note).text(verifiedBy: stranger) }
        #expect(error?.code == .noteNotSigned)
    }

    @Test("a note that is changed in any place is not signed any more")
    func changed() throws {
        let key = try NoteKey(parsing: NoteVectors.key)
        let bytes = Array(Self.note.utf8)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            let error = identityError {
                try SignedNote(parsing: String(decoding: changed, as: UTF8.self)).text(verifiedBy: key)
            }
            #expect(error != nil, "byte \(index)")
        }
    }

    @Test("a second signature of the key that is wrong spoils the note")
    func oneWrong() throws {
        let signer = try NoteVectors.signer()
        let wrong = try SignedNote.sign("another\n", by: signer).split(separator: "\n").last ?? ""
        let error = identityError {
            try SignedNote(parsing: Self.note + wrong + "\n").text(verifiedBy: signer.publicKey)
        }
        #expect(error?.code == .noteNotSigned)
    }

    @Test(
        "what is no note is refused",
        arguments: [
            "", "\n", "\n\n", "text\n", "text\n\n", "text\n\nno signature\n", "text\n\n— name\n", "text\n\n— name \n",
            "text\n\n— name AAAA\n", "text\n\n— name AAAAAAA=", "text\n\n—name AAAAAAA=\n", "text\n\n— a b AAAAAAA=\n",
            "text\n\n—  AAAAAAA=\n", "te\txt\n\n— name AAAAAAA=\n", "te\rxt\n\n— name AAAAAAA=\n",
            "text\n— name AAAAAAA=\n",
            String(repeating: "a", count: 16_384) + "\n\n— name AAAAAAA=\n",
            "text\n\n" + String(repeating: "— name AAAAAAA=\n", count: 65),
        ])
    func malformed(text: String) {
        #expect(identityError { try SignedNote(parsing: text) }?.code == .malformedNote)
    }

    @Test("a note with 64 signatures is read")
    func manySignatures() throws {
        _ = try SignedNote(parsing: "text\n\n" + String(repeating: "— name AAAAAAA=\n", count: 64))
    }
}
