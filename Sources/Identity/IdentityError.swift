/// What went wrong while naming, issuing, verifying or authorizing an identity.
///
/// `message` says what was expected, what was found and where; `peer` is the SPIFFE ID that the other side *claimed*,
/// where it could be read before the failure, and proves nothing.
public struct IdentityError: Error, Sendable {
    /// The kind of failure, for programs to act on. New codes may be added without breaking anybody.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's stable name.
        public let description: String

        private init(_ name: String) {
            self.description = name
        }

        /// A text is not a trust domain's name.
        public static let invalidTrustDomain = Code("invalidTrustDomain")
        /// A text is not a SPIFFE ID.
        public static let invalidSPIFFEID = Code("invalidSPIFFEID")
        /// A text is not an identity pattern or a method pattern.
        public static let invalidPattern = Code("invalidPattern")
        /// An authorization policy has problems; the message lists all of them.
        public static let invalidPolicy = Code("invalidPolicy")
        /// What a workload is to be certified as has problems; the message lists all of them.
        public static let invalidAuthorization = Code("invalidAuthorization")
        /// A configuration has problems; the message lists all of them.
        public static let invalidConfiguration = Code("invalidConfiguration")
        /// A root of a trust bundle cannot serve as one.
        public static let invalidTrustBundle = Code("invalidTrustBundle")
        /// A text is not the document of a trust domain's bundle.
        public static let malformedBundleDocument = Code("malformedBundleDocument")
        /// A trust domain's bundle was published before the one in force.
        public static let staleTrustBundle = Code("staleTrustBundle")

        /// A file that an identity is read from is not there, too large, or changes while it is read.
        public static let fileNotRead = Code("fileNotRead")
        /// Others on the machine can read or write a private key's file.
        public static let keyFileExposed = Code("keyFileExposed")
        /// A chain is empty, or one of its certificates is not a DER certificate.
        public static let malformedCertificate = Code("malformedCertificate")
        /// A chain has more certificates or bytes than the verifier parses.
        public static let chainTooLarge = Code("chainTooLarge")
        /// A leaf or one of its signers breaks a rule of the X.509-SVID standard.
        public static let notAnSVID = Code("notAnSVID")
        /// A certificate's validity is over.
        public static let expired = Code("expired")
        /// A certificate's validity has not begun.
        public static let notYetValid = Code("notYetValid")
        /// The bundle has no root for the leaf's trust domain.
        public static let unknownTrustDomain = Code("unknownTrustDomain")
        /// The chain does not lead to a root of the leaf's trust domain.
        public static let untrustedIssuer = Code("untrustedIssuer")
        /// A peer, a signer of its certificate or a key is on the deny list.
        public static let denied = Code("denied")
        /// A deny list has more entries than it may, or cannot be read.
        public static let invalidDenyList = Code("invalidDenyList")
        /// A chain does not contain the root whose fingerprint was expected.
        public static let rootNotPinned = Code("rootNotPinned")

        /// A certificate request is not a PKCS#10 request, or is larger than the authority parses.
        public static let malformedRequest = Code("malformedRequest")
        /// A certificate request is not signed with the key that it carries.
        public static let requestSignatureInvalid = Code("requestSignatureInvalid")
        /// A key is of a kind that is not certified.
        public static let keyNotAllowed = Code("keyNotAllowed")
        /// A key is not the one that the certificate names, or cannot be read.
        public static let keyMismatch = Code("keyMismatch")
        /// The authority's own certificate is not valid at the time given.
        public static let authorityNotValid = Code("authorityNotValid")
        /// A step of an authority's change of keys is not to be taken now.
        public static let rotationRefused = Code("rotationRefused")
        /// A sealed authority cannot be opened: a wrong passphrase, altered bytes, or none at all.
        public static let cannotUnseal = Code("cannotUnseal")
        /// Building or signing a certificate or request failed in the cryptographic library.
        public static let signingFailed = Code("signingFailed")

        /// A record of an issuance log cannot be read, or says too much.
        public static let malformedRecord = Code("malformedRecord")
        /// A text is not a signed note, a checkpoint or the key of one.
        public static let malformedNote = Code("malformedNote")
        /// A note is not signed with the key that was expected.
        public static let noteNotSigned = Code("noteNotSigned")
        /// An issuance log has no such entry, is full, or its store failed.
        public static let logNotStored = Code("logNotStored")
        /// An issuance log does not begin with what it was before.
        public static let logInconsistent = Code("logInconsistent")
        /// A certificate is not shown to be in an issuance log.
        public static let notInLog = Code("notInLog")

        /// A text is not a join token.
        public static let malformedToken = Code("malformedToken")
        /// A join token that this registry never issued, or has forgotten.
        public static let tokenUnknown = Code("tokenUnknown")
        /// A join token whose lifetime is over.
        public static let tokenExpired = Code("tokenExpired")
        /// A join token that has been redeemed before.
        public static let tokenReused = Code("tokenReused")
        /// The registry holds as many unredeemed tokens as it may.
        public static let registryFull = Code("registryFull")
    }

    /// The kind of failure.
    public var code: Code
    /// What was expected, what was found and where, for people.
    public var message: String
    /// The SPIFFE ID that the other side claimed, where there is another side and the claim could be read.
    public var peer: SPIFFEID?
    /// The library's error below this one, if there was one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, peer: SPIFFEID? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.peer = peer
        self.cause = cause
    }
}

extension IdentityError: CustomStringConvertible {
    /// One line for a log: the code, the message, the claimed peer and the cause.
    public var description: String {
        var line = "\(code): \(message)"
        if let peer {
            line += " (claimed peer \(peer))"
        }
        if let cause {
            line += " [cause: \(cause)]"
        }
        // A cause comes from another library and may hold line breaks; a log line may not.
        return String(line.map { $0.isNewline ? " " : $0 })
    }
}
