public import Identity

/// What went wrong while issuing or validating a JWT-SVID.
///
/// `message` says what was expected and what was found, and never repeats a token; `peer` is the SPIFFE ID that a token
/// *claims*, where it could be read before the failure, and proves nothing.
public struct JWTIdentityError: Error, Sendable {
    /// The kind of failure, for programs to act on. New codes may be added without breaking anybody.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String

        private init(_ name: String) {
            self.description = name
        }

        /// A token has more bytes than are parsed.
        public static let tokenTooLarge = Code("tokenTooLarge")
        /// A text is not a compact JWS whose header and claims are JSON objects.
        public static let malformedToken = Code("malformedToken")
        /// A header names no algorithm, or one that JWT-SVIDs may not have, `none` and those of shared secrets among
        /// them.
        public static let algorithmNotAllowed = Code("algorithmNotAllowed")
        /// A header has a type or a parameter that JWT-SVIDs may not have.
        public static let headerNotAllowed = Code("headerNotAllowed")
        /// A claim is missing, or is not what it has to be.
        public static let invalidClaim = Code("invalidClaim")
        /// The bundle has no entry for the trust domain of a token's subject.
        public static let unknownTrustDomain = Code("unknownTrustDomain")
        /// A header names no key, or one that the subject's trust domain does not have.
        public static let unknownKey = Code("unknownKey")
        /// A key is not for the algorithm that the header names.
        public static let keyNotAllowed = Code("keyNotAllowed")
        /// A token is not signed with the key that its header names.
        public static let invalidSignature = Code("invalidSignature")
        /// A token is for others.
        public static let wrongAudience = Code("wrongAudience")
        /// A token's time is over.
        public static let expired = Code("expired")
        /// A token's time has not begun.
        public static let notYetValid = Code("notYetValid")
        /// A token's subject is on the deny list.
        public static let denied = Code("denied")
        /// A value of `authorization` is not that of a bearer token.
        public static let malformedAuthorization = Code("malformedAuthorization")

        /// A configuration, or what a caller asks for, has problems; the message lists all of them.
        public static let invalidConfiguration = Code("invalidConfiguration")
        /// What a token is to be issued for has problems; the message lists all of them.
        public static let invalidRequest = Code("invalidRequest")
        /// A private key cannot be read.
        public static let malformedKey = Code("malformedKey")
        /// Signing failed in the cryptographic library.
        public static let signingFailed = Code("signingFailed")
    }

    /// The kind of failure.
    public var code: Code
    /// What was expected and what was found, for people.
    public var message: String
    /// The SPIFFE ID that the token claims, where it could be read.
    public var peer: SPIFFEID?
    /// The error below this one, if there was one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, peer: SPIFFEID? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.peer = peer
        self.cause = cause
    }
}

extension JWTIdentityError: CustomStringConvertible {
    /// One line for a log: the code, the message, the claimed peer and the cause.
    public var description: String {
        var line = "\(code): \(message)"
        if let peer { line += " (claimed peer \(peer))" }
        if let cause { line += " [cause: \(cause)]" }
        return String(line.map { $0.isNewline ? " " : $0 })
    }
}
