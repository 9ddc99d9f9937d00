import Identity

/// An algorithm that a JWT-SVID may be signed with (JWT-SVID, 2.1). There are no others: `none`, the algorithms of shared
/// secrets and EdDSA have no case, so nothing that is made of a header's text can be one of them.
enum TokenAlgorithm: String, CaseIterable, Sendable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"

    /// Whether a key is for it: the curve that the algorithm names (RFC 7518, 3.4), or RSA; and no other algorithm is
    /// named by the key itself.
    func fits(_ key: JWTKey) -> Bool {
        if let only = key.algorithm, only != rawValue { return false }
        return switch (self, key.parameters) {
        case (.es256, .elliptic(.p256, _, _)), (.es384, .elliptic(.p384, _, _)), (.es512, .elliptic(.p521, _, _)): true
        case (.rs256, .rsa), (.rs384, .rsa), (.rs512, .rsa), (.ps256, .rsa), (.ps384, .rsa), (.ps512, .rsa): true
        default: false
        }
    }
}
