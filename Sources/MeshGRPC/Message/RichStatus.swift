public import MeshTransport
import MeshWire
import NIOCore
public import SwiftProtobuf

extension CallFailure {
    /// A failure with details as messages, which travel as a `google.rpc.Status`, as gRPC's libraries have them.
    ///
    /// - Throws: `SwiftProtobuf`'s errors for a message that cannot be serialized.
    public init(
        _ status: CallStatus, _ message: String, hasNotRun: Bool = false,
        details: [any SwiftProtobuf.Message], trailers: Metadata = Metadata()
    ) throws {
        var rich = Google_Rpc_Status()
        rich.code = Int32(clamping: status.rawValue)
        rich.message = message
        // Those of an error that is passed on are packed already.
        rich.details = try details.map { try $0 as? Google_Protobuf_Any ?? Google_Protobuf_Any(message: $0) }
        let bytes: [UInt8] = try rich.serializedBytes()
        self.init(status, message, hasNotRun: hasNotRun, details: bytes, trailers: trailers)
    }
}

extension MeshError {
    /// The messages that the server gave as details, or nothing where ``/MeshTransport/MeshError/details`` is no
    /// `google.rpc.Status`.
    public var richDetails: [Google_Protobuf_Any] {
        (try? Google_Rpc_Status(serializedBytes: details))?.details ?? []
    }

    /// The first of the details that is a `Detail`.
    public func detail<Detail: SwiftProtobuf.Message>(_ type: Detail.Type) -> Detail? {
        richDetails.lazy.compactMap { try? Detail(unpackingAny: $0) }.first
    }
}
