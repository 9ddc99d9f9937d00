public import Identity
import MeshTransport

/// A document that a control server has published.
public struct ConfigurationVersion: Sendable, Hashable {
    /// What it says it is called, or the beginning of its digest.
    public let name: String
    /// Tells it from all others, on whichever server it was published.
    public let digest: SHA256Fingerprint
    let document: [UInt8]
}

/// Who follows a control server, and where it stands.
public struct ControlSubscriber: Sendable, Hashable {
    /// Who it is.
    public let identity: SPIFFEID?
    /// The address that its connection comes from.
    public let address: String
    /// The digest of what it goes by; `nil` for nothing that a control server has sent.
    public internal(set) var inForce: SHA256Fingerprint?
    /// The digest of the last one that it has refused since, and why it has.
    public internal(set) var refusal: Refusal?
    /// What was sent to it and not answered yet.
    public internal(set) var pending: SHA256Fingerprint?

    /// A version that a subscriber does not go by.
    public struct Refusal: Sendable, Hashable {
        /// Which.
        public let digest: SHA256Fingerprint
        /// Why, in the subscriber's words.
        public let reason: String
    }

    init(identity: SPIFFEID?, address: String) {
        self.identity = identity
        self.address = address
    }

    /// Takes what the subscriber says of itself.
    mutating func said(_ state: SubscriberState) {
        inForce = SHA256Fingerprint(bytes: state.inForce)
        refusal = SHA256Fingerprint(bytes: state.refused).map {
            Refusal(digest: $0, reason: String(state.reason.prefix(SubscriberState.longestReason)))
        }
        pending = nil
    }

    /// Whether there is nothing for it to learn of a version.
    func knows(_ digest: SHA256Fingerprint) -> Bool { refusal.map { $0.digest == digest } ?? (inForce == digest) }
}
