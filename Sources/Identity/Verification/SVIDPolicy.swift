import SwiftASN1
// The library offers a fixed time or none to its own validity check and no allowance for clocks that differ. We take
// none and check validity below; the switch for that is an SPI, and this is the one file that uses it.
@_spi(DisableValidityCheck) import X509

/// What must hold for a whole chain, from a leaf to a root of its trust domain, beyond the signatures.
///
/// RFC 5280's basic constraints, versions and name constraints are the library's; validity with a clock-skew allowance,
/// the signers' rules of X.509-SVID and the refusal of SHA-1 are ours. `failure` keeps the first reason in a form that
/// programs read, because the library reports text only.
struct SVIDPolicy: VerifierPolicy {
    let trustDomain: TrustDomain
    let now: UnixTime
    let clockSkew: Duration
    private(set) var failure: IdentityError?
    private let rfc5280 = RFC5280Policy.withValidityCheckDisabled()

    init(trustDomain: TrustDomain, now: UnixTime, clockSkew: Duration) {
        self.trustDomain = trustDomain
        self.now = now
        self.clockSkew = clockSkew
    }

    var verifyingCriticalExtensions: [ASN1ObjectIdentifier] { SVIDRules.enforcedExtensions }

    mutating func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        guard let problem = problem(in: chain) else { return .meetsPolicy }
        failure = failure ?? problem
        let text = problem.message
        return .failsToMeetPolicy(reason: text)
    }

    private func problem(in chain: UnverifiedCertificateChain) -> IdentityError? {
        for (index, certificate) in chain.enumerated() {
            let place = index == 0 ? "the leaf" : "signer \(index) of \(chain.count - 1)"
            if let problem = Self.validityProblem(of: certificate, named: place, now: now, clockSkew: clockSkew) {
                return problem
            }
            if index > 0, let problem = SVIDRules.problem(ofSigner: certificate, in: trustDomain) {
                return IdentityError(.notAnSVID, "\(place): \(problem)")
            }
            // A root's own signature proves nothing and is not relied upon; every other one is.
            if index < chain.count - 1, certificate.signatureAlgorithm == .sha1WithRSAEncryption {
                return IdentityError(.keyNotAllowed, "\(place) is signed with SHA-1, expected SHA-256 or stronger")
            }
        }
        if case .failsToMeetPolicy(let reason) = rfc5280.chainMeetsPolicyRequirements(chain: chain) {
            return IdentityError(.untrustedIssuer, "the chain breaks RFC 5280: \(reason)")
        }
        return nil
    }

    /// Why a certificate may not be used at `now`, nil when it may.
    static func validityProblem(
        of certificate: Certificate, named place: String, now: UnixTime, clockSkew: Duration
    ) -> IdentityError? {
        let (first, last) = (certificate.validFrom, certificate.validThrough)
        if now + clockSkew < first {
            return IdentityError(.notYetValid, "\(place) is valid from \(first), and it is \(now)")
        }
        if now - clockSkew > last {
            return IdentityError(.expired, "\(place) was valid through \(last), and it is \(now)")
        }
        return nil
    }
}
