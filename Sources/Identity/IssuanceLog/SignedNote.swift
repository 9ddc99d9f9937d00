/// Text that one or more keys have signed, to be read by people and programs (C2SP signed-note).
///
/// The text is not to be looked at before ``text(verifiedBy:)`` gives it out.
struct SignedNote {
    /// The most bytes of a note: a checkpoint with signatures of a dozen witnesses has 2 KiB.
    static let maximumBytes = 16_384
    private static let maximumSignatures = 64
    private static let dash = "\u{2014} "

    private let text: [UInt8]
    private let signatures: [(name: String, identifier: [UInt8], signature: [UInt8])]

    /// Signs a text that ends in a line feed.
    static func sign(_ text: String, by signer: NoteSigner) throws(IdentityError) -> String {
        let signature = signer.publicKey.identifier + (try signer.signature(of: Array(text.utf8)))
        return text + "\n\(dash)\(signer.publicKey.name) \(Base64.encode(signature))\n"
    }

    /// Takes a note apart.
    ///
    /// - Throws: `IdentityError` with code `malformedNote`.
    init(parsing note: String) throws(IdentityError) {
        let bytes = Array(note.utf8)
        guard bytes.count <= Self.maximumBytes else {
            throw Self.malformed("expected at most \(Self.maximumBytes) bytes, found \(bytes.count)")
        }
        guard !bytes.contains(where: { $0 < 0x20 && $0 != UInt8(ascii: "\n") }) else {
            throw Self.malformed("expected no control characters but line feeds")
        }
        // The signatures follow the last empty line.
        let feed = UInt8(ascii: "\n")
        guard let split = bytes.indices.dropLast().last(where: { bytes[$0] == feed && bytes[$0 + 1] == feed }),
            bytes.last == feed, split + 2 < bytes.count
        else { throw Self.malformed("expected signatures behind an empty line") }
        let lines = bytes[(split + 2)...].dropLast().split(separator: feed, omittingEmptySubsequences: false)
        guard lines.count <= Self.maximumSignatures else {
            throw Self.malformed("expected at most \(Self.maximumSignatures) signatures, found \(lines.count)")
        }
        text = Array(bytes[...split])
        signatures = try lines.map { line throws(IdentityError) in
            let parts = line.dropFirst(Self.dash.utf8.count).split(
                separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard line.starts(with: Self.dash.utf8), parts.count == 2, !parts[0].isEmpty,
                let signature = Base64.decode(String(decoding: parts[1], as: UTF8.self)), signature.count > 4
            else { throw Self.malformed("expected each signature to be a dash, a name and base64") }
            return (
                String(decoding: parts[0], as: UTF8.self), Array(signature.prefix(4)), Array(signature.dropFirst(4))
            )
        }
    }

    /// The text, if the key has signed it. Signatures of other keys are passed over.
    ///
    /// - Throws: `IdentityError` with code `noteNotSigned`.
    func text(verifiedBy key: NoteKey) throws(IdentityError) -> String {
        let own = signatures.filter { $0.name.utf8.elementsEqual(key.name.utf8) && $0.identifier == key.identifier }
        guard !own.isEmpty else {
            throw IdentityError(.noteNotSigned, "expected a signature of \(key.text), found \(signatures.map(\.name))")
        }
        guard own.allSatisfy({ key.isSignature($0.signature, of: text) }) else {
            throw IdentityError(.noteNotSigned, "the signature of \(key.name) is not over this note")
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func malformed(_ message: String) -> IdentityError {
        IdentityError(.malformedNote, "a note: \(message)")
    }
}
