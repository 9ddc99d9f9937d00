/// Decides which messages of a client are lost or doubled, so that what must survive that is seen to survive it.
///
/// The client asks once for each request that it is about to send and for each reply that has arrived, of calls with one
/// of each; what streams is not asked about. A lost message ends in the attempt's timeout, as it does on a network.
public protocol FaultInjector: Sendable {
    /// The fate of a request to `path`, `service/method`.
    func fate(ofRequest path: String) -> MessageFate
    /// The fate of a reply from `path`; doubled replies are delivered once, as a client ignores the second.
    func fate(ofReply path: String) -> MessageFate
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
