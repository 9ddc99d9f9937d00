package import MeshWire
package import NIOHTTP2

extension CallStatus {
    /// What an HTTP status means for a call whose answer has no `grpc-status` (gRPC, "HTTP to gRPC Status Code Mapping").
    package init(httpStatus: Int) {
        self =
            switch httpStatus {
            case 400: .internalError
            case 401: .unauthenticated
            case 403: .permissionDenied
            case 404: .unimplemented
            case 429, 502, 503, 504: .unavailable
            default: .unknown
            }
    }

    /// What the reset of a stream means for its call (gRPC over HTTP/2, "Errors").
    package init(_ reset: HTTP2ErrorCode) {
        self =
            switch reset {
            case .refusedStream: .unavailable
            case .cancel: .cancelled
            case .enhanceYourCalm: .resourceExhausted
            case .inadequateSecurity: .permissionDenied
            case .noError, .protocolError, .internalError, .flowControlError, .settingsTimeout, .streamClosed,
                .frameSizeError, .compressionError, .connectError:
                .internalError
            default: .unknown
            }
    }
}
