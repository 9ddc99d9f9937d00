import Identity
import Synchronization

/// What the join listener shows: the process's own identity, and behind its chain every root that a token may pin.
///
/// Guarded by a mutex: it is made anew when one of the two has changed, and kept otherwise.
final class JoinIdentity: IdentitySource {
    private let own: any IdentitySource
    private let authority: ManagedAuthority
    private let shown: Mutex<(of: IdentitySnapshot, signers: [[UInt8]], snapshot: IdentitySnapshot)>

    init(_ own: any IdentitySource, _ authority: ManagedAuthority) throws(IdentityError) {
        self.own = own
        self.authority = authority
        let (current, signers) = (own.current, authority.joinSigners)
        shown = Mutex((current, signers, try Self.show(current, signers)))
    }

    var current: IdentitySnapshot {
        let (now, signers) = (own.current, authority.joinSigners)
        return shown.withLock { shown in
            if shown.of != now || shown.signers != signers, let snapshot = try? Self.show(now, signers) {
                shown = (now, signers, snapshot)
            }
            return shown.snapshot
        }
    }

    func onChange(_ handler: @escaping @Sendable () -> Void) -> IdentityObservation { own.onChange(handler) }

    private static func show(
        _ own: IdentitySnapshot, _ signers: [[UInt8]]
    ) throws(IdentityError) -> IdentitySnapshot {
        let missing = signers.filter { !own.svid.chain.contains($0) }
        return IdentitySnapshot(
            svid: try own.svid.adding(signers: missing), bundle: own.bundle, denyList: own.denyList,
            generation: own.generation)
    }
}
