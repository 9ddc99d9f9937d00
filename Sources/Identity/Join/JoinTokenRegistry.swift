/// The tokens that an authority has given out, and what each is worth: a state machine without clock or I/O.
///
/// Only the SHA-256 of a secret is kept. Looking a secret up compares hashes, so the time it takes tells nothing about
/// the secrets that are known. A token is worth its authorization once, until it expires; afterwards it is remembered,
/// as long as there is room, so that reuse and lateness are told from a secret that was never issued.
public struct JoinTokenRegistry: Sendable {
    /// What redeeming a secret comes to.
    public enum Redemption: Sendable, Hashable {
        /// The secret was good; it is spent now.
        case authorized(IssuanceAuthorization)
        /// No token with this secret was issued, or it was forgotten long after its end.
        case unknown
        /// The token's lifetime was over at this time.
        case expired(at: UnixTime)
        /// The token was redeemed at this time.
        case reused(at: UnixTime)
    }

    private struct Entry: Sendable {
        let authorization: IssuanceAuthorization
        let expiresAt: UnixTime
        var redeemedAt: UnixTime?

        func isLive(at now: UnixTime) -> Bool { redeemedAt == nil && now <= expiresAt }
    }

    /// The root that the tokens pin which are issued from now on.
    public var rootFingerprint: SHA256Fingerprint
    /// The most tokens remembered, spent and expired ones included.
    public let capacity: Int
    private var entries: [SHA256Fingerprint: Entry] = [:]
    /// Hashes in the order of issue.
    private var order: [SHA256Fingerprint] = []

    /// Makes an empty registry.
    ///
    /// - Parameters:
    ///   - rootFingerprint: the root that joining workloads will trust.
    ///   - capacity: at least 1; 4,096 by default, about a megabyte when full.
    public init(rootFingerprint: SHA256Fingerprint, capacity: Int = 4_096) {
        precondition(capacity >= 1, "JoinTokenRegistry: expected a capacity of at least 1, found \(capacity)")
        self.rootFingerprint = rootFingerprint
        self.capacity = capacity
    }

    /// How many tokens are remembered.
    public var count: Int { entries.count }

    /// Issues a token that is worth `authorization` once, through `now + lifetime`.
    ///
    /// When the registry is full, the token issued first among the spent and expired ones is forgotten.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/registryFull`` when every token in a full registry
    ///   could still be redeemed.
    public mutating func issue(
        _ authorization: IssuanceAuthorization, lifetime: Duration, now: UnixTime,
        using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> JoinToken {
        if entries.count >= capacity {
            guard let dead = order.firstIndex(where: { entries[$0]?.isLive(at: now) != true }) else {
                throw IdentityError(.registryFull, "\(capacity) join tokens are waiting to be redeemed, no more fit")
            }
            entries[order.remove(at: dead)] = nil
        }
        let token = JoinToken(rootFingerprint: rootFingerprint, using: &generator)
        let hash = SHA256Fingerprint(of: token.secret)
        entries[hash] = Entry(authorization: authorization, expiresAt: now + lifetime)
        order.append(hash)
        return token
    }

    /// Makes a secret that was redeemed good again, until its end.
    public mutating func takeBack(secret: [UInt8]) { entries[SHA256Fingerprint(of: secret)]?.redeemedAt = nil }

    /// Redeems a secret. Only ``Redemption/authorized(_:)`` changes the registry.
    public mutating func redeem(secret: [UInt8], now: UnixTime) -> Redemption {
        let hash = SHA256Fingerprint(of: secret)
        guard var entry = entries[hash] else { return .unknown }
        if let redeemedAt = entry.redeemedAt { return .reused(at: redeemedAt) }
        guard now <= entry.expiresAt else { return .expired(at: entry.expiresAt) }
        entry.redeemedAt = now
        entries[hash] = entry
        return .authorized(entry.authorization)
    }
}

extension JoinTokenRegistry.Redemption {
    /// The authorization of a good secret.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/tokenUnknown``, ``IdentityError/Code/tokenExpired`` or
    ///   ``IdentityError/Code/tokenReused``.
    public func get() throws(IdentityError) -> IssuanceAuthorization {
        switch self {
        case .authorized(let authorization):
            return authorization
        case .unknown:
            throw IdentityError(.tokenUnknown, "the join token is not one that this authority issued")
        case .expired(let time):
            throw IdentityError(.tokenExpired, "the join token expired at \(time)")
        case .reused(let time):
            throw IdentityError(.tokenReused, "the join token was redeemed before, at \(time)")
        }
    }
}
