import Identity

/// The claims that JWT-SVID has rules for (JWT-SVID, 3; RFC 7519, 4.1).
struct TokenClaims {
    private static let maximumAudiences = 64

    private let json: JSON

    init(_ json: JSON) {
        self.json = json
    }

    /// The workload that the token is of.
    func subject() throws(JWTIdentityError) -> SPIFFEID {
        guard let text = json["sub"]?.string else {
            throw JWTIdentityError(.invalidClaim, "sub: expected a SPIFFE ID, found \(json["sub"]?.kind ?? "none")")
        }
        let id: SPIFFEID
        do {
            id = try SPIFFEID(parsing: text)
        } catch {
            throw JWTIdentityError(.invalidClaim, "sub: expected a SPIFFE ID, found \(quoted(text))", cause: error)
        }
        guard !id.isTrustDomain else {
            throw JWTIdentityError(.invalidClaim, "sub: expected a workload's SPIFFE ID, found the trust domain \(id)")
        }
        return id
    }

    /// All that a validated token says.
    func svid(of id: SPIFFEID, token: CompactToken) throws(JWTIdentityError) -> JWTSVID {
        JWTSVID(
            spiffeID: id, audiences: try audiences(), expiresAt: try expiration(), issuedAt: try time("iat"),
            keyIdentifier: token.keyIdentifier, claims: token.claimBytes)
    }

    /// One text, or an array of at least one.
    private func audiences() throws(JWTIdentityError) -> [String] {
        switch json["aud"] {
        case .string(let one): return [one]
        case .array(let elements):
            guard (1...Self.maximumAudiences).contains(elements.count) else {
                throw JWTIdentityError(
                    .invalidClaim, "aud: expected 1 to \(Self.maximumAudiences) audiences, found \(elements.count)")
            }
            let texts = elements.compactMap(\.string)
            guard texts.count == elements.count else {
                throw JWTIdentityError(.invalidClaim, "aud: expected strings, found something else among them")
            }
            return texts
        case let other:
            throw JWTIdentityError(
                .invalidClaim, "aud: expected a string or an array of strings, found \(other?.kind ?? "none")")
        }
    }

    private func expiration() throws(JWTIdentityError) -> UnixTime {
        guard let time = try time("exp") else {
            throw JWTIdentityError(.invalidClaim, "exp: expected a time in seconds, found none")
        }
        return time
    }

    /// A time with its fraction dropped; nil where the claim is not there.
    private func time(_ name: String) throws(JWTIdentityError) -> UnixTime? {
        guard let value = json[name] else { return nil }
        guard let seconds = value.seconds(.down) else {
            throw JWTIdentityError(
                .invalidClaim, "\(name): expected a time in seconds, found \(value.kind) that is not")
        }
        return UnixTime(seconds: seconds)
    }

    /// A token is valid before `exp`, from `nbf` on, and was not issued in the future, each with the allowance.
    func checkTimes(now: UnixTime, clockSkew: Duration) throws(JWTIdentityError) {
        let expiration = try expiration()
        guard now - clockSkew < expiration else {
            throw JWTIdentityError(.expired, "exp: the token was valid until \(expiration), and it is \(now)")
        }
        for name in ["nbf", "iat"] {
            guard let time = try time(name) else { continue }
            guard time <= now + clockSkew else {
                throw JWTIdentityError(.notYetValid, "\(name): the token is of \(time), and it is \(now)")
            }
        }
    }
}
