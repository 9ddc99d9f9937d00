public import MeshTransport
import MeshWire

extension Mesh {
    /// Answers `grpc.health.v1.Health`, on both wires; the policy must let its callers call it.
    ///
    /// - Returns: where statuses are set.
    public func serveHealth() -> HealthService {
        let health = HealthService()
        serve(health)
        observeReadiness { [weak health] in health?.setReady($0) }
        return health
    }

    /// Answers `grpc.reflection.v1.ServerReflection`, and its `v1alpha`, about the services that this mesh serves now,
    /// on both wires; the policy must let its callers call it.
    ///
    /// - Parameter descriptorSets: what describes the services' messages: each what `protoc --descriptor_set_out
    ///   --include_imports` writes. A service that none describes is listed all the same.
    /// - Throws: ``/MeshTransport/MeshError/Code/invalidConfiguration`` for bytes that are no descriptors.
    public func serveReflection(descriptorSets: [[UInt8]] = []) throws(MeshError) {
        var index = ReflectionIndex()
        do throws(WireError) {
            try index.addOwnServices()
            for set in descriptorSets { try index.addFiles(descriptorSet: set) }
        } catch {
            throw MeshError(.invalidConfiguration, error.message, cause: error)
        }
        for path in servedPaths {
            if let service = path.split(separator: "/").first { index.addService(String(service)) }
        }
        let service = ReflectionService(index: index)
        serve(service)
        serve(ReflectionService.alpha) { try await service.serverReflectionInfo($0, $1, $2) }
    }
}
