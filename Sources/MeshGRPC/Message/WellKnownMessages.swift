// The generated types of this room, as messages of calls.
extension Grpc_Health_V1_HealthCheckRequest: ProtobufMessage {}
extension Grpc_Health_V1_HealthCheckResponse: ProtobufMessage {}
extension Grpc_Reflection_V1_ServerReflectionRequest: ProtobufMessage {}
extension Grpc_Reflection_V1_ServerReflectionResponse: ProtobufMessage {}
extension Google_Rpc_Status: ProtobufMessage {}
