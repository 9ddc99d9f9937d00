package import MeshWire
import NIOCore
package import NIOHPACK

/// What opens a call: the request's header fields.
package struct GRPCRequestHead: Sendable, Hashable {
    /// The service and the method, such as `shop.Scoring/Score`.
    package var path: String
    /// The name under which the client addresses the server.
    package var authority: String
    /// Whether the connection is encrypted, as the client sees it.
    package var isSecure = true
    /// How long the caller waits, from when it wrote the head; `nil` without end.
    package var timeout: Duration?
    /// How the call's request messages may be compressed.
    package var encoding = DeclaredEncoding.identity
    /// How its response messages may be.
    package var acceptedEncodings: [MessageEncoding] = []
    package var userAgent: String?
    /// How many attempts of the same call the client has made before.
    package var previousAttempts = 0
    package var metadata = Metadata()
    /// Which of a session's calls this is, for a deduplicated method. A client that is not this library's sends none.
    package var deduplication: Deduplication?

    package init(path: String, authority: String) {
        self.path = path
        self.authority = authority
    }
}

/// Why a request is answered without a call.
package enum GRPCRequestRefusal: Error, Sendable, Hashable {
    /// With an HTTP status and nothing else: the client does not speak gRPC.
    case http(status: Int)
    /// With a gRPC status.
    case status(GRPCStatus)
}

extension GRPCRequestHead {
    /// The header fields of the request, or an error where HTTP/2 cannot carry the metadata.
    package func headers(limits: WireLimits) throws(GRPCStatus) -> HPACKHeaders {
        try headers(after: methodHeaders, limits: limits)
    }

    /// The header fields of the request, of which ``methodHeaders`` are known.
    func headers(after methodHeaders: HPACKHeaders, limits: WireLimits) throws(GRPCStatus) -> HPACKHeaders {
        var headers = methodHeaders
        // Differs from call to call: in the peer's table it would only push out what does not.
        if let timeout {
            headers.add(name: "grpc-timeout", value: GRPCTimeout.encode(timeout), indexing: .nonIndexable)
        }
        if previousAttempts > 0 {
            headers.add(name: "grpc-previous-rpc-attempts", value: "\(previousAttempts)", indexing: .nonIndexable)
        }
        if let deduplication {
            let text = Base64.encode(Array(Payload(deduplication).head.readableBytesView))
            guard text.utf8.count <= limits.metadataBytes else {
                throw GRPCStatus(
                    .resourceExhausted, "\(deduplication.entries.count) numbers are too many for a call's header fields"
                )
            }
            headers.add(name: Self.deduplicationKey, value: text, indexing: .nonIndexable)
        }
        try metadata.write(to: &headers, limits: limits)
        return headers
    }

    /// The header field of ``/MeshWire/Deduplication``, encoded as on the other wire.
    static let deduplicationKey = "meshwork-deduplication-bin"

    /// The header fields that all calls of a method have in common on a connection.
    var methodHeaders: HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(11)
        headers.add(name: ":method", value: "POST")
        headers.add(name: ":scheme", value: isSecure ? "https" : "http")
        headers.add(name: ":path", value: "/" + path)
        headers.add(name: ":authority", value: authority)
        headers.add(name: "content-type", value: GRPCContentType.name)
        // Shows proxies that drop trailers for what they are.
        headers.add(name: "te", value: "trailers")
        if let userAgent { headers.add(name: "user-agent", value: userAgent) }
        if let name = encoding.name { headers.add(name: "grpc-encoding", value: name) }
        headers.add(name: "grpc-accept-encoding", value: MessageEncoding.accepted)
        return headers
    }

    /// Reads a request's header fields.
    package init(_ headers: HPACKHeaders, limits: WireLimits) throws(GRPCRequestRefusal) {
        self.init(path: "", authority: "")
        var method = ""
        var contentType = ""
        var target = ""
        var host = ""
        var timeoutText: String?
        var budget = limits.metadataBytes
        var fault: GRPCStatus?
        for (name, value, _) in headers {
            switch name {
            case ":method": method = value
            case ":path": target = value
            case ":authority": authority = value
            case ":scheme": isSecure = value == "https"
            case "content-type": contentType = value
            case "host": host = value
            case "te": break
            case "user-agent": userAgent = value
            case "grpc-timeout": timeoutText = value
            case "grpc-encoding": encoding = DeclaredEncoding(value)
            case "grpc-accept-encoding": acceptedEncodings += MessageEncoding.known(in: value)
            case "grpc-previous-rpc-attempts": previousAttempts = max(0, Int(value) ?? 0)
            case Self.deduplicationKey:
                guard let number = Self.deduplication(value, limits: limits) else {
                    fault = fault ?? GRPCStatus(.invalidArgument, "the call's number cannot be read")
                    continue
                }
                deduplication = number
            default:
                guard fault == nil else { continue }
                do throws(GRPCStatus) {
                    try metadata.read(name, value, budget: &budget)
                } catch {
                    fault = error
                }
            }
        }
        // One that does not speak gRPC would not understand a status.
        guard method == "POST" else { throw .http(status: 405) }
        guard GRPCContentType.isSupported(contentType) else { throw .http(status: 415) }
        if let fault { throw .status(fault) }
        if authority.isEmpty { authority = host }
        guard target.utf8.first == UInt8(ascii: "/"), target.dropFirst().contains("/") else {
            throw .status(GRPCStatus(.unimplemented, "the path \"\(target.prefix(256))\" names no method"))
        }
        path = String(target.dropFirst())
        if let timeoutText {
            guard let timeout = GRPCTimeout.decode(timeoutText) else {
                throw .status(GRPCStatus(.internalError, "grpc-timeout \"\(timeoutText.prefix(64))\" is no time"))
            }
            self.timeout = timeout
        }
    }

    private static func deduplication(_ value: String, limits: WireLimits) -> Deduplication? {
        guard let bytes = Base64.decode(value[...].utf8),
            let number: Deduplication = try? Payload(head: ByteBuffer(bytes: bytes)).decode(),
            number.entries.count <= limits.deduplicationEntries
        else { return nil }
        return number
    }
}
