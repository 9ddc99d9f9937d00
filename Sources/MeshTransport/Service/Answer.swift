public import MeshWire

/// A response with what a handler says beside it.
public struct Answer<Message: MeshMessage>: Sendable {
    /// The response.
    public var message: Message
    /// What the caller is told before the response.
    public var metadata: Metadata
    /// What the caller is told at the end of the call.
    public var trailers: Metadata

    /// Makes an answer.
    public init(_ message: Message, metadata: Metadata = Metadata(), trailers: Metadata = Metadata()) {
        self.message = message
        self.metadata = metadata
        self.trailers = trailers
    }
}
