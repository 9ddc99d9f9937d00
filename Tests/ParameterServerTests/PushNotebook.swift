import ParameterServer
import Synchronization

/// What the launcher of a real job keeps: the pushes that were sent and acknowledged, guarded by a mutex.
final class PushNotebook: Sendable {
    private let state = Mutex((sent: PushNotes(), acknowledged: PushNotes()))

    var all: (sent: PushNotes, acknowledged: PushNotes) { state.withLock { $0 } }

    func sent(_ pushes: [PushIdentity]) { state.withLock { $0.sent.insert(pushes) } }

    func acknowledged(_ pushes: [PushIdentity]) { state.withLock { $0.acknowledged.insert(pushes) } }

    /// Notes every push of a client.
    var observer: PushObserver {
        PushObserver(
            beforeFirstAttempt: { pushes in self.sent(pushes) },
            afterAcknowledgement: { pushes in self.acknowledged(pushes) })
    }
}
