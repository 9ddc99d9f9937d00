package import MeshWire

extension ReflectionIndex {
    /// Adds the reflection service itself, and the files that describe this room's services.
    package mutating func addOwnServices() throws(WireError) {
        guard let descriptors = Base64.decode(OwnDescriptors.fileDescriptorSet[...].utf8) else {
            throw WireError(.malformed, "the descriptors that were generated are not base64")
        }
        try addFiles(descriptorSet: descriptors)
        addService("grpc.reflection.v1.ServerReflection")
    }
}
