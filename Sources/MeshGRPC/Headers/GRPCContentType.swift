/// The content types of gRPC whose messages are in protobuf's wire format, which are those that a mesh can read.
package enum GRPCContentType {
    /// What this side writes: the plain type, which every peer takes for protobuf.
    static let name = "application/grpc"

    /// Whether messages of this content type can be read: `application/grpc` or `application/grpc+proto`.
    static func isSupported(_ value: String) -> Bool {
        if value == name { return true }
        guard let subtype = subtype(of: value) else { return false }
        return subtype.isEmpty || subtype == "proto"
    }

    /// What stands after `+`, without parameters; `nil` for a type that is not gRPC's, such as gRPC-Web's.
    private static func subtype(of value: String) -> String? {
        let type = value.prefix { $0 != ";" }.trimmingSpaces.lowercased()
        guard type.hasPrefix(name) else { return nil }
        let rest = type.dropFirst(name.count)
        if rest.isEmpty { return "" }
        return rest.first == "+" ? String(rest.dropFirst()) : nil
    }
}
