package import MeshWire

extension ReflectionIndex {
    /// Adds this room's own services, health and reflection, and the files that describe them.
    package mutating func addOwnServices() throws(WireError) {
        guard let descriptors = Base64.decode(OwnDescriptors.fileDescriptorSet[...].utf8) else {
            throw WireError(.malformed, "the descriptors that were generated are not base64")
        }
        try addFiles(descriptorSet: descriptors)
        addService("grpc.health.v1.Health")
        addService("grpc.reflection.v1.ServerReflection")
    }
}
