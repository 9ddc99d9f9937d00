package import MeshWire

/// How a call over gRPC ended, as its trailers say it: a code, a text for people, and details for programs.
///
/// The codecs and state machines of this room throw it too: it is what the fault of a peer, or of what is sent to one,
/// becomes for the call (gRPC, "Status codes and their use").
package struct GRPCStatus: Error, Sendable, Hashable, CustomStringConvertible {
    package var code: CallStatus
    package var message: String
    /// A serialized `google.rpc.Status`, or nothing.
    package var details: [UInt8]

    package init(_ code: CallStatus, _ message: String = "", details: [UInt8] = []) {
        self.code = code
        self.message = message
        self.details = details
    }

    /// The call succeeded.
    package static let ok = GRPCStatus(.ok)

    /// One line for a log.
    package var description: String { message.isEmpty ? "\(code)" : "\(code): \(message)" }
}
