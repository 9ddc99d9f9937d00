/// What is not to be trusted any more although its certificates are still valid: single certificates, keys, and
/// identities up to a time of issue.
///
/// A value that is replaced as a whole by one with a higher ``version``. ``PeerVerifier`` consults it for every peer,
/// remembered ones too; whoever holds connections judges their peers again with ``check(_:)`` when a newer list comes.
/// ```swift
/// let list = try DenyList(version: 8, entries: [
///     .identity(worker, issuedBefore: now),          // all that it was certified with so far
///     .key(CertificateMarks(der: stolen).key),       // this key, however often it is certified
/// ])
/// let peer = try await verifier.verify(presented, against: bundle, denying: list, now: now)
/// ```
public struct DenyList: Sendable {
    /// One thing that is denied.
    public enum Entry: Sendable, Hashable {
        /// The certificate with this serial number in a chain of the trust domain: a leaf, or all below a signer. A
        /// domain with several authorities should number uniquely, as ``CertificateAuthority`` does.
        case serialNumber([UInt8], of: TrustDomain)
        /// The certificate of which this is signed, leaf or signer: ``CertificateMarks/signedPart``.
        case certificate(SHA256Fingerprint)
        /// Every certificate of this key, leaf or signer: ``CertificateMarks/key``.
        case key(SHA256Fingerprint)
        /// What the ID was given before a time: leaves that became valid before it, tokens issued before it. An
        /// authority dates its leaves back by its clock skew, so a workload that is certified again at once is denied
        /// for as long.
        case identity(SPIFFEID, issuedBefore: UnixTime)
    }

    /// The list's place in the order of lists that were in force.
    public let version: UInt64
    /// Each thing once, in the order of ``encoded``.
    public let entries: [Entry]
    private let marks: Set<Entry>
    private let identities: [SPIFFEID: UnixTime]

    /// The most entries. A list is searched in constant time whatever its length; this bounds its memory.
    public static let maximumEntries = 65_536

    /// A list of nothing, with version 0.
    public static let empty = DenyList(version: 0, marks: [], identities: [:])

    /// Makes a list.
    ///
    /// - Parameters:
    ///   - version: counts the lists of a mesh.
    ///   - entries: at most 65,536, in any order. Of an identity's times the latest holds.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidDenyList``.
    public init(version: UInt64, entries: some Sequence<Entry>) throws(IdentityError) {
        var (marks, identities) = (Set<Entry>(), [SPIFFEID: UnixTime]())
        var bytes = 0
        for entry in entries {
            bytes += entry.mostEncodedBytes
            switch entry {
            case .identity(let id, let time): identities[id] = max(identities[id] ?? time, time)
            case .serialNumber(let number, let domain):
                let digits = CertificateMarks.normalized(number)
                guard digits.count <= Self.longestSerialNumber else {
                    throw IdentityError(
                        .invalidDenyList,
                        "expected a serial number of at most \(Self.longestSerialNumber) bytes, found \(digits.count)")
                }
                marks.insert(.serialNumber(digits, of: domain))
            case .certificate, .key: marks.insert(entry)
            }
            guard marks.count + identities.count <= Self.maximumEntries else {
                throw IdentityError(.invalidDenyList, "expected at most \(Self.maximumEntries) entries, found more")
            }
            guard bytes <= Self.maximumEncodedBytes else {
                throw IdentityError(
                    .invalidDenyList, "expected at most \(Self.maximumEncodedBytes) bytes when encoded, found more")
            }
        }
        self.init(version: version, marks: marks, identities: identities)
    }

    private init(version: UInt64, marks: Set<Entry>, identities: [SPIFFEID: UnixTime]) {
        self.version = version
        self.marks = marks
        self.identities = identities
        self.entries = (marks + identities.map { Entry.identity($0, issuedBefore: $1) }).sorted(by: Entry.precedes)
    }

    /// RFC 5280, 4.1.2.2.
    private static let longestSerialNumber = 20

    /// The entry that denies a verified peer: one for a certificate of its chain, or for its identity; nil when none
    /// does.
    public func entry(denying peer: VerifiedPeer) -> Entry? {
        for certificate in peer.certificates where !marks.isEmpty {
            let candidates: [Entry] = [
                .serialNumber(certificate.serialNumber, of: peer.spiffeID.trustDomain),
                .certificate(certificate.signedPart), .key(certificate.key),
            ]
            if let found = candidates.first(where: marks.contains) { return found }
        }
        return entry(denying: peer.spiffeID, issuedAt: peer.issuedAt)
    }

    /// The entry that denies what an ID was given at a time; a time that is not known is before all others.
    public func entry(denying id: SPIFFEID, issuedAt: UnixTime?) -> Entry? {
        guard let time = identities[id] else { return nil }
        if let issuedAt, issuedAt >= time { return nil }
        return .identity(id, issuedBefore: time)
    }

    /// Judges a peer that was verified before.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/denied`` that names the entry.
    public func check(_ peer: VerifiedPeer) throws(IdentityError) {
        guard let entry = entry(denying: peer) else { return }
        throw IdentityError(.denied, "\(entry) is on version \(version) of the deny list", peer: peer.spiffeID)
    }
}

extension DenyList: Hashable {
    /// Whether both have the same version and deny the same.
    public static func == (left: DenyList, right: DenyList) -> Bool {
        left.version == right.version && left.entries == right.entries
    }

    /// Feeds the version.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(version)
    }
}

extension DenyList.Entry: CustomStringConvertible {
    /// What is denied, for an error or a log.
    public var description: String {
        switch self {
        case .serialNumber(let number, let domain): "serial number \(Hexadecimal.encode(number)) of \(domain)"
        case .certificate(let fingerprint): "certificate \(fingerprint)"
        case .key(let fingerprint): "key \(fingerprint)"
        case .identity(let id, let time): "\(id) issued before \(time)"
        }
    }

    /// At least what the entry takes in ``DenyList/encoded``.
    fileprivate var mostEncodedBytes: Int {
        switch self {
        case .serialNumber(_, let domain): 128 + domain.name.utf8.count
        case .certificate, .key: 128
        case .identity(let id, _): 128 + id.trustDomain.name.utf8.count + id.path.utf8.count
        }
    }

    /// By kind, then by what is denied.
    fileprivate static func precedes(_ left: Self, _ right: Self) -> Bool {
        switch (left, right) {
        case (.serialNumber(let a, let domain), .serialNumber(let b, let other)):
            domain == other ? a.lexicographicallyPrecedes(b) : domain < other
        case (.certificate(let a), .certificate(let b)), (.key(let a), .key(let b)):
            a.bytes.lexicographicallyPrecedes(b.bytes)
        case (.identity(let a, _), .identity(let b, _)): a < b
        default: left.kind < right.kind
        }
    }

    private var kind: Int {
        switch self {
        case .serialNumber: 0
        case .certificate: 1
        case .key: 2
        case .identity: 3
        }
    }
}
