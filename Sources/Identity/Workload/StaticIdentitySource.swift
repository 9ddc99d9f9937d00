/// An identity that never changes, for short-lived processes and tests.
public struct StaticIdentitySource: IdentitySource {
    /// The identity, generation 1.
    public let current: IdentitySnapshot

    /// Makes a source of one identity.
    public init(svid: WorkloadIdentity, bundle: TrustBundle) {
        self.current = IdentitySnapshot(svid: svid, bundle: bundle, generation: 1)
    }

    /// Never calls `handler`.
    public func onChange(_ handler: @escaping @Sendable () -> Void) -> IdentityObservation {
        IdentityObservation(onCancel: {})
    }
}
