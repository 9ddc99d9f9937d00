/// Decides which messages of a client are lost or doubled, so that what must survive that is seen to survive it.
///
/// Of calls with one request and one response the client asks once for each request that it is about to send and for each
/// reply that has arrived; a lost message ends in the attempt's timeout, as it does on a network. Of calls that stream it
/// asks for each message that they stream, in either direction: the call goes on with those that follow, as a chain of
/// records must bear it, and it alone can notice. The only request of a call that streams its responses, and the only
/// response of one that streams its requests, are not asked about: they begin and end the call.
public protocol FaultInjector: Sendable {
    /// The fate of a request to `path`, `service/method`.
    func fate(ofRequest path: String) -> MessageFate
    /// The fate of a reply from `path`; doubled replies are delivered once, as a client ignores the second.
    func fate(ofReply path: String) -> MessageFate
    /// The fate of a message that a call of `path` streams to the server. Default: it arrives.
    func fate(ofStreamedRequest path: String) -> MessageFate
    /// The fate of a message that `path` streams to the client; a doubled one is read twice. Default: it arrives.
    func fate(ofStreamedResponse path: String) -> MessageFate
}

extension FaultInjector {
    /// It arrives.
    public func fate(ofStreamedRequest path: String) -> MessageFate { .deliver }
    /// It arrives.
    public func fate(ofStreamedResponse path: String) -> MessageFate { .deliver }
}

/// What happens to a message.
public enum MessageFate: Sendable, Hashable {
    /// It arrives.
    case deliver
    /// It does not arrive.
    case lose
    /// It arrives twice.
    case duplicate
}
