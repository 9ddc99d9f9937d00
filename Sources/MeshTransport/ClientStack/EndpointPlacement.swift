import MeshWire
import NIOCore

/// A call's attempt at an endpoint that the balancer picked for it.
struct EndpointPlacement: Sendable {
    let pool: EndpointPool
    let endpoint: ClientEndpoint
    /// The endpoint's number then.
    let slot: Int
    let start: RuntimeInstant
    /// Whether the time until its end is the time until an answer begins: not that of a stream, nor of a large payload.
    let isTimed: Bool
    /// Whether it is the one call that shows how an endpoint does that was left out.
    let isProbe: Bool
    /// What it was picked from.
    let choice: CallRecord.Choice

    /// An answer has begun to come, of a call that may go on for long. From any thread.
    func answered() {
        guard isProbe else { return }
        let loop = pool.executor.eventLoop
        if loop.inEventLoop { pool.answered(self) } else { loop.execute { pool.answered(self) } }
    }

    /// The attempt has ended. From any thread.
    func ended(_ outcome: EndpointOutcome) {
        let loop = pool.executor.eventLoop
        if loop.inEventLoop { pool.ended(self, outcome) } else { loop.execute { pool.ended(self, outcome) } }
    }
}
