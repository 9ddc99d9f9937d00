import NIOCore
import Synchronization

/// A connection that an HTTP front end answers, as the listener that took it sees it.
final class HTTPConnection: InboundConnection {
    private let channel: any Channel
    private let draining = Atomic(false)
    private let ended = Atomic(false)

    init(_ channel: any Channel) {
        self.channel = channel
    }

    /// True once no new request is to be answered.
    var isDraining: Bool { draining.load(ordering: .acquiring) }

    /// True once nothing of it is to be answered: TLS takes a moment to close, in which a peer that was told to go may
    /// go on.
    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    /// HTTP/1.1 has no words for the reason: only `Connection: close`.
    func drain(reason: String) {
        draining.store(true, ordering: .releasing)
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    func end(reason: String) { close() }

    func close() {
        ended.store(true, ordering: .releasing)
        channel.close(promise: nil)
    }

    /// A request is asked about before it begins, and over soon.
    func policyChanged() {}
}
