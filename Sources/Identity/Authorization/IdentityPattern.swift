/// Which SPIFFE IDs are meant: one, all below a path, or all workloads of a trust domain.
///
/// Written `spiffe://d/ns/a` (exactly this one), `spiffe://d/ns/*` (every ID below `/ns`, at any depth, not `/ns`
/// itself) and `spiffe://d/*` (every workload of `d`). A path prefix ends at a segment's boundary: `/ns/*` does not
/// match `/nsx/a`. Clients use patterns for the servers that they expect, servers for the peers that they authorize.
public struct IdentityPattern: Sendable, Hashable {
    enum Form: Hashable {
        case exact(SPIFFEID)
        /// The ID whose descendants match; without a path, every workload of the domain.
        case below(SPIFFEID)
    }

    let form: Form

    private init(_ form: Form) {
        self.form = form
    }

    /// Exactly one ID, which has a path: no workload has a trust domain's own.
    public static func exact(_ id: SPIFFEID) -> IdentityPattern {
        IdentityPattern(.exact(id))
    }

    /// Every ID whose path continues the path of `id` with at least one more segment.
    public static func below(_ id: SPIFFEID) -> IdentityPattern {
        IdentityPattern(.below(id))
    }

    /// Every workload of a trust domain.
    public static func trustDomain(_ domain: TrustDomain) -> IdentityPattern {
        IdentityPattern(.below(domain.id))
    }

    /// Reads one of the three written forms.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidPattern``.
    public init(parsing text: String) throws(IdentityError) {
        let forms = "spiffe://domain/path, spiffe://domain/path/* or spiffe://domain/*"
        let isBelow = text.utf8.suffix(2).elementsEqual("/*".utf8)
        let id: SPIFFEID
        do throws(IdentityError) {
            id = try SPIFFEID(parsing: isBelow ? String(text.dropLast(2)) : text)
        } catch {
            throw IdentityError(.invalidPattern, "expected \(forms), found \(quoted(text)): \(error.message)")
        }
        guard isBelow || !id.isTrustDomain else {
            throw IdentityError(
                .invalidPattern, "expected \(forms), found \(quoted(text)), which no workload has")
        }
        self.form = isBelow ? .below(id) : .exact(id)
    }

    /// Whether `id` is meant. O(length of the path).
    public func matches(_ id: SPIFFEID) -> Bool {
        switch form {
        case .exact(let expected):
            return id == expected
        case .below(let prefix):
            guard id.trustDomain == prefix.trustDomain else { return false }
            let (path, start) = (id.path.utf8, prefix.path.utf8)
            return path.starts(with: start) && path.dropFirst(start.count).first == UInt8(ascii: "/")
        }
    }
}

extension IdentityPattern: LosslessStringConvertible {
    /// The written form.
    public var description: String {
        switch form {
        case .exact(let id): id.description
        case .below(let id): "\(id)/*"
        }
    }

    /// Reads a written form; nil where ``init(parsing:)`` throws.
    public init?(_ description: String) {
        guard let pattern = try? IdentityPattern(parsing: description) else { return nil }
        self = pattern
    }
}
