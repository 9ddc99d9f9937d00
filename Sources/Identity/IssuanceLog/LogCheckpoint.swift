/// A log's size and root at one moment (C2SP tlog-checkpoint), which the log signs and cannot take back.
public struct LogCheckpoint: Sendable, Hashable {
    /// The log's name.
    public let origin: String
    /// How many entries it had.
    public let size: UInt64
    /// The root over all of them.
    public let root: SHA256Fingerprint

    /// Makes a checkpoint.
    public init(origin: String, size: UInt64, root: SHA256Fingerprint) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads a signed checkpoint.
    ///
    /// - Parameters:
    ///   - note: the signed note, in UTF-8.
    ///   - key: the log's key; its name is the origin to expect.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedNote`` or
    ///   ``IdentityError/Code/noteNotSigned``.
    public init(note: String, verifiedBy key: NoteKey) throws(IdentityError) {
        let text = try SignedNote(parsing: note).text(verifiedBy: key)
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
            .map { String($0) ?? "" }
        // What follows the three lines are extensions, which nobody can audit; they are signed, and passed over.
        guard lines.count >= 3, !lines.contains("") else {
            throw Self.malformed("expected three lines or more, none of them empty")
        }
        guard lines[0].utf8.elementsEqual(key.name.utf8) else {
            throw Self.malformed("expected the origin \(quoted(key.name)), found \(quoted(lines[0]))")
        }
        guard let size = UInt64(lines[1]), String(size) == lines[1] else {
            throw Self.malformed("expected a size in decimal digits, found \(quoted(lines[1]))")
        }
        guard let root = Base64.decode(lines[2]).flatMap(SHA256Fingerprint.init(bytes:)) else {
            throw Self.malformed("expected base64 of a root's 32 bytes, found \(quoted(lines[2]))")
        }
        self.init(origin: lines[0], size: size, root: root)
    }

    /// The text that is signed: origin, size and root, a line each.
    var text: String { "\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n" }

    private static func malformed(_ message: String) -> IdentityError {
        IdentityError(.malformedNote, "a checkpoint: \(message)")
    }
}
