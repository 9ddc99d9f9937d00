import MeshWire

/// One call as plain lists: what was said, what has been told, how it ended. Both state machines are compared with it.
struct CallModel {
    /// A message as it was sent.
    struct Message {
        let content: [UInt8]
        /// Whether it is within the receiver's limits.
        let fits: Bool
    }

    /// What the client has been told of the end.
    enum End: Equatable {
        case answered
        case cancelled
        case notTaken
        case unreadable
        /// The connection was lost before.
        case lost
    }

    /// Where the call is on the server.
    enum Service: Equatable {
        case unseen
        /// Its head has been read, and not all of its only request.
        case announced
        /// It waits until answers have left.
        case held
        case running
        case replied
        /// The server has turned it away by itself, before or while it ran.
        case refused
        case cancelled
    }

    let kind: CallKind
    let head: CallHead
    var requests: [Message] = []
    var requestsEnded = false
    var requestsSeen = 0
    var requestsEndSeen = false
    var service = Service.unseen
    var metadata: Metadata?
    var metadataSeen = false
    var responses: [Message] = []
    var responsesSeen = 0
    /// The outcome that the handler gave, and whether it is within the server's own limits.
    var reply: (message: Message, isSendable: Bool)?
    var end: End?

    /// A call that the client still waits for.
    var isOpen: Bool { end == nil }
    /// A call that the server knows and has not answered.
    var isServed: Bool { [.announced, .held, .running].contains(service) }
}

/// What both machines would do if the model were right, and did not.
struct Divergence: Error, CustomStringConvertible {
    let description: String
}
