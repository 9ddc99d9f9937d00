import MeshTransport
import MeshWire

/// `grpc.reflection.v1.ServerReflection`: tells a client without `.proto` files, such as `grpcurl`, which services there
/// are and what their messages look like.
struct ReflectionService: Grpc_Reflection_V1_ServerReflection.Handler {
    /// The method under the service's older name, which clients still ask; its messages are the same.
    static let alpha = BidirectionalMethod<
        Grpc_Reflection_V1_ServerReflectionRequest, Grpc_Reflection_V1_ServerReflectionResponse
    >(service: "grpc.reflection.v1alpha.ServerReflection", method: "ServerReflectionInfo", retry: .never)

    let index: ReflectionIndex

    func serverReflectionInfo(
        _ requests: RequestStream<Grpc_Reflection_V1_ServerReflectionRequest>,
        _ responses: ResponseSender<Grpc_Reflection_V1_ServerReflectionResponse>, _ call: CallContext
    ) async throws {
        for try await request in requests { try await responses.send(index.answer(request)) }
    }
}
