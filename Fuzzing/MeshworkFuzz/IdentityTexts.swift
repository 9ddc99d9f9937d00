import MeshWire

@testable import Identity

/// Texts that people, environments and configurations hand over: the first byte says what the others are.
enum IdentityTexts {
    /// What is read says itself, and is read again as the same.
    static func read(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        switch first % 5 {
        case 0:
            guard let token = try? JoinToken(parsing: text) else { return }
            precondition(token.text == text)
        case 1:
            guard let pattern = IdentityPattern(text) else { return }
            precondition(IdentityPattern(pattern.description) == pattern)
        case 2:
            guard let pattern = MethodPattern(text) else { return }
            precondition(MethodPattern(pattern.description) == pattern)
        case 3:
            guard let pattern = try? NetworkPattern(parsing: text) else { return }
            precondition(text.contains("/") || IPAddress(text).map(pattern.matches) == true)
        default:
            // What an error repeats of it is one line that a terminal only shows.
            let shown = quoted(text)
            precondition(shown.utf8.count <= 1_024, "\(shown.utf8.count) bytes are shown")
            precondition(shown.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
        }
    }

    static func seeds() -> [[UInt8]] {
        var generator = SplitMix64(seed: 1)
        let token = JoinToken(rootFingerprint: SHA256Fingerprint(of: []), using: &generator)
        let texts: [(UInt8, String)] = [
            (0, token.text), (1, "spiffe://example.org/team/*"), (1, "spiffe://example.org/team/a"),
            (2, "shop.Scoring/Score"), (2, "shop.Scoring/*"), (2, "*"), (3, "10.0.0.0/8"), (3, "2001:db8::1"),
            (3, "::ffff:10.0.0.1"), (4, "a \"quoted\" \u{202E}text\u{9B}31m\n"),
        ]
        return texts.map { [$0] + Array($1.utf8) }
    }
}
