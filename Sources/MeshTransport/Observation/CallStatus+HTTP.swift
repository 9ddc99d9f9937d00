package import MeshWire

extension CallStatus {
    /// The status of HTTP that means the same (google.rpc.Code's mapping, and 499 for a caller that left), for access logs:
    /// over gRPC and the mesh's own wire none is sent.
    package var httpStatus: Int {
        switch self {
        case .ok: 200
        case .invalidArgument, .failedPrecondition, .outOfRange: 400
        case .unauthenticated: 401
        case .permissionDenied: 403
        case .notFound: 404
        case .alreadyExists, .aborted: 409
        case .resourceExhausted: 429
        case .cancelled: 499
        case .unimplemented: 501
        case .unavailable: 503
        case .deadlineExceeded: 504
        default: 500
        }
    }
}
