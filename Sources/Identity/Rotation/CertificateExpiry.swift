import SwiftASN1
import X509

/// When a certificate ends that something depends on, and how urgent it is to replace it.
public struct CertificateExpiry: Sendable, Hashable {
    /// What the certificate is for.
    public struct Role: Sendable, Hashable, CustomStringConvertible {
        /// Its name, as a metric's label.
        public let description: String

        private init(_ name: String) { description = name }

        /// A workload's own.
        public static let leaf = Role("leaf")
        /// One that stands between leaf and root.
        public static let issuer = Role("issuer")
        /// One that peers trust.
        public static let root = Role("root")
    }

    /// How urgent it is that the certificate is replaced, in their order.
    public enum Urgency: Int, Sendable, Hashable, Comparable, CaseIterable {
        /// It is not yet, or has not been for long.
        case none
        /// It should have been: 30 % of the time that is set aside for it has passed.
        case late
        /// A tenth of its life is left.
        case critical
        /// It has ended.
        case ended

        /// Less urgent comes first.
        public static func < (left: Urgency, right: Urgency) -> Bool { left.rawValue < right.rawValue }
    }

    /// What it is for.
    public let role: Role
    /// A workload's SPIFFE ID, a signer's fingerprint.
    public let name: String
    /// When it became valid.
    public let notBefore: UnixTime
    /// The last second of its validity.
    public let notAfter: UnixTime

    /// Makes one of what is known.
    public init(_ role: Role, name: String, notBefore: UnixTime, notAfter: UnixTime) {
        self.role = role
        self.name = name
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// How urgent it is at a time.
    ///
    /// - Parameter share: the share of its life after which it is to be replaced, above 0 and below 1; the rest is the time
    ///   that is set aside for that.
    public func urgency(at now: UnixTime, replacedAfter share: Double = 0.7) -> Urgency {
        guard now <= notAfter else { return .ended }
        let life = notAfter.since(notBefore)
        guard notAfter.since(now) > life * 0.1 else { return .critical }
        return now.since(notBefore) >= life * (share + 0.3 * (1 - share)) ? .late : .none
    }
}

extension IdentitySnapshot {
    /// The certificates that the process's own identity depends on: its leaf, the signers that it shows, and the root that
    /// they lead to.
    public var expiries: [CertificateExpiry] {
        let chain = svid.chain.compactMap { der in (try? Certificate(derEncoded: der)).map { (der, $0) } }
        guard let last = chain.last?.1 else { return [] }
        var expiries = chain.enumerated().map { index, each in
            CertificateExpiry(
                index == 0 ? .leaf : .issuer,
                name: index == 0 ? "\(svid.spiffeID)" : "\(SHA256Fingerprint(of: each.0))",
                notBefore: each.1.validFrom, notAfter: each.1.validThrough)
        }
        let domain = bundle[svid.spiffeID.trustDomain]
        // The one that ends last of those that the chain leads to: a root may have been certified anew.
        let roots = zip(domain?.roots ?? [], domain?.certificates ?? []).filter { _, root in
            root.subject == last.issuer && root.publicKey.isValidSignature(last.signature, for: last)
        }
        if let (der, root) = roots.max(by: { $0.1.validThrough < $1.1.validThrough }) {
            expiries.append(
                CertificateExpiry(
                    .root, name: "\(SHA256Fingerprint(of: der))", notBefore: root.validFrom,
                    notAfter: root.validThrough))
        }
        return expiries
    }
}
