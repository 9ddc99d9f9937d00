import NIOCore
import Synchronization

/// A connection that an HTTP front end answers, as the listener that took it sees it.
final class HTTPConnection: InboundConnection {
    private let channel: any Channel
    private let draining = Atomic(false)

    init(_ channel: any Channel) {
        self.channel = channel
    }

    /// True once no new request is to be answered.
    var isDraining: Bool { draining.load(ordering: .acquiring) }

    /// HTTP/1.1 has no words for the reason: only `Connection: close`.
    func drain(reason: String) {
        draining.store(true, ordering: .releasing)
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    func end(reason: String) { close() }

    func close() { channel.close(promise: nil) }

    /// A request is asked about before it begins, and over soon.
    func policyChanged() {}
}
