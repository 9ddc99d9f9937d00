import Identity
import JWTIdentity

/// The good tokens that were seen last, by their hash: nobody can take a token out of memory that is not in it.
///
/// Those that were not asked for since as many others came are forgotten.
struct KnownTokens {
    /// What a token says, and the bundle by whose keys it was found to be good.
    struct Known {
        let svid: JWTSVID
        let claims: [String: [String]]
        let bundle: TrustBundle
    }

    private let half: Int
    private var recent: [SHA256Fingerprint: Known] = [:]
    private var older: [SHA256Fingerprint: Known] = [:]

    init(capacity: Int) {
        half = max(1, capacity / 2)
    }

    var count: Int { recent.count + older.count }

    subscript(hash: SHA256Fingerprint) -> Known? {
        mutating get {
            if let known = recent[hash] { return known }
            guard let known = older.removeValue(forKey: hash) else { return nil }
            insert(known, for: hash)
            return known
        }
    }

    mutating func insert(_ known: Known, for hash: SHA256Fingerprint) {
        if recent.count >= half, recent[hash] == nil {
            older = recent
            recent = [:]
        }
        recent[hash] = known
    }
}
