/// Which methods or HTTP paths are meant.
///
/// Written `shop.Scoring/Score` (exactly this method), `shop.Scoring/*` (every method of the service) and `*`
/// (everything). HTTP paths begin with a slash and follow the same forms: `/metrics`, `/v2/models/*`. A prefix ends at
/// a segment's boundary.
public struct MethodPattern: Sendable, Hashable {
    enum Form: Hashable {
        case everything
        case exact(String)
        /// The text before the star, slash included.
        case prefix(String)
    }

    let form: Form

    /// The longest pattern in bytes.
    static let maximumLength = 1_024

    /// Reads one of the written forms.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidPattern``.
    public init(parsing text: String) throws(IdentityError) {
        func problem(_ expected: String) -> IdentityError {
            IdentityError(.invalidPattern, "expected \(expected), found \(quoted(text))")
        }
        guard text.utf8.count <= Self.maximumLength else {
            throw problem("a method pattern of at most \(Self.maximumLength) bytes")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !text.isEmpty else {
            throw problem("a method pattern of printable ASCII without spaces")
        }
        if text == "*" {
            self.form = .everything
            return
        }
        let isPrefix = text.utf8.suffix(2).elementsEqual("/*".utf8)
        let stem = isPrefix ? String(text.dropLast()) : text
        guard !stem.utf8.contains(UInt8(ascii: "*")) else {
            throw problem("'*' alone or after the last '/' of a method pattern")
        }
        let parts = stem.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if stem.utf8.first == UInt8(ascii: "/") {
            guard Self.isCanonicalPath(stem) else {
                throw problem("an HTTP path without '//', '.', '..', '%' and '\\'")
            }
        } else {
            // A stem that ends in '/' has an empty last part where the star stood.
            guard parts.count == 2, !parts[0].isEmpty, parts[1].isEmpty == isPrefix else {
                throw problem("Service/Method, Service/*, an HTTP path or '*'")
            }
        }
        self.form = isPrefix ? .prefix(stem) : .exact(stem)
    }

    /// Whether `method` is meant: `Service/Method`, or an HTTP path without its query. O(length).
    ///
    /// An HTTP path that a router may read in another way than it is written (`//`, dot segments, percent-encoding,
    /// backslashes) matches no prefix: who may call `/v2/*` may not reach `/v2/../admin`.
    public func matches(_ method: String) -> Bool {
        switch form {
        case .everything:
            return true
        case .exact(let expected):
            return method.utf8.elementsEqual(expected.utf8)
        case .prefix(let prefix):
            return method.utf8.starts(with: prefix.utf8) && Self.mayMeetPrefix(method)
        }
    }

    /// Whether a prefix may mean `method`.
    static func mayMeetPrefix(_ method: String) -> Bool {
        method.utf8.first != UInt8(ascii: "/") || isCanonicalPath(method)
    }

    /// Whether a path means the same to every router; a slash at its end is allowed.
    private static func isCanonicalPath(_ path: String) -> Bool {
        guard !path.utf8.contains(UInt8(ascii: "%")), !path.utf8.contains(UInt8(ascii: "\\")) else { return false }
        let segments = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            if segment.isEmpty, index < segments.count - 1 { return false }
            if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) { return false }
        }
        return true
    }
}

extension MethodPattern: LosslessStringConvertible {
    /// The written form.
    public var description: String {
        switch form {
        case .everything: "*"
        case .exact(let method): method
        case .prefix(let prefix): prefix + "*"
        }
    }

    /// Reads a written form; nil where ``init(parsing:)`` throws.
    public init?(_ description: String) {
        guard let pattern = try? MethodPattern(parsing: description) else { return nil }
        self = pattern
    }
}
