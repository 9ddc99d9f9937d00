import Testing

@testable import Identity

@Suite struct LogCheckpointTests {
    static func sign(_ text: String, name: String = "digits.example/issuance") throws -> (String, NoteKey) {
        let signer = try NoteSigner(name: name)
        return (try SignedNote.sign(text, by: signer), signer.publicKey)
    }

    @Test("a checkpoint is three lines: origin, size and root in base64")
    func text() throws {
        // The example of the C2SP's tlog-checkpoint.
        let root = try #require(Base64.decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="))
        let checkpoint = LogCheckpoint(
            origin: "example.com/behind-the-sofa", size: 20_852_163, root: try #require(SHA256Fingerprint(bytes: root)))
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        #expect(checkpoint.text == text)
        let (note, key) = try Self.sign(text, name: "example.com/behind-the-sofa")
        #expect(try LogCheckpoint(note: note, verifiedBy: key) == checkpoint)
        let (extended, other) = try Self.sign(text + "extension\n", name: "example.com/behind-the-sofa")
        #expect(try LogCheckpoint(note: extended, verifiedBy: other) == checkpoint)
    }

    static let root = Base64.encode(MerkleHash.empty.bytes)

    @Test(
        "what is no checkpoint of the log is refused, though it is signed",
        arguments: [
            ("digits.example/issuance\n0\n", "three lines"),
            ("digits.example/issuance\n0\n\(root)\n\nmore\n", "none of them empty"),
            ("other.example\n0\n\(root)\n", "expected the origin"),
            ("digits.example/issuance\n00\n\(root)\n", "decimal"),
            ("digits.example/issuance\n+1\n\(root)\n", "decimal"),
            ("digits.example/issuance\n-1\n\(root)\n", "decimal"),
            ("digits.example/issuance\n18446744073709551616\n\(root)\n", "decimal"),
            ("digits.example/issuance\n 1\n\(root)\n", "decimal"), ("digits.example/issuance\n1\nAAAA\n", "32 bytes"),
            ("digits.example/issuance\n1\n?\n", "32 bytes"),
        ])
    func malformed(text: String, message: String) throws {
        let (note, key) = try Self.sign(text)
        let error = identityError { try LogCheckpoint(note: note, verifiedBy: key) }
        #expect(error?.code == .malformedNote)
        #expect(error?.message.contains(message) == true, "\(error?.description ?? "no error")")
    }
}
