package import MeshWire
package import NIOHPACK

/// What begins an answer: the first header fields of a response that has more to come.
package struct GRPCResponseHead: Sendable, Hashable {
    /// How the call's response messages may be compressed.
    package var encoding = DeclaredEncoding.identity
    /// How its request messages may be.
    package var acceptedEncodings: [MessageEncoding] = []
    package var metadata = Metadata()

    package init(encoding: DeclaredEncoding = .identity, metadata: Metadata = Metadata()) {
        self.encoding = encoding
        self.metadata = metadata
    }

    /// The header fields, or an error where HTTP/2 cannot carry the metadata.
    package func headers(limits: WireLimits) throws(GRPCStatus) -> HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(4 + metadata.count)
        headers.add(name: ":status", value: "200")
        headers.add(name: "content-type", value: GRPCContentType.name)
        if let name = encoding.name {
            headers.add(name: "grpc-encoding", value: name)
            // Of use to a client that compresses, and to no other.
            headers.add(name: "grpc-accept-encoding", value: MessageEncoding.accepted)
        }
        try metadata.write(to: &headers, limits: limits)
        return headers
    }

    /// Reads a response's first header fields. Throws the status of a call whose answer is not gRPC, or whose metadata
    /// cannot be read.
    package init(_ headers: HPACKHeaders, limits: WireLimits) throws(GRPCStatus) {
        try self.init(headers, HTTPAnswer(headers), limits: limits)
    }

    /// - Parameter answer: what the header fields say as HTTP.
    init(_ headers: HPACKHeaders, _ answer: HTTPAnswer, limits: WireLimits) throws(GRPCStatus) {
        var budget = limits.metadataBytes
        try answer.requireGRPC()
        for (name, value, _) in headers {
            switch name {
            case ":status", "content-type": break
            case "grpc-encoding": encoding = DeclaredEncoding(value)
            case "grpc-accept-encoding": acceptedEncodings += MessageEncoding.known(in: value)
            default: try metadata.read(name, value, budget: &budget)
            }
        }
    }
}

/// What a response says as HTTP, before anything of gRPC.
struct HTTPAnswer {
    /// The code, or 0 where there is none that can be read.
    var status = 0
    var contentType: String?

    init(_ headers: HPACKHeaders) {
        for (name, value, _) in headers {
            switch name {
            case ":status": status = Int(value) ?? 0
            case "content-type": contentType = value
            default: break
            }
        }
    }

    var isInformational: Bool { (100..<200).contains(status) }

    func requireGRPC() throws(GRPCStatus) {
        guard status == 200 else { throw GRPCStatus(.init(httpStatus: status), "the answer has HTTP status \(status)") }
        guard GRPCContentType.isSupported(contentType ?? "") else {
            let found = contentType.map { "content type \"\($0.prefix(256))\"" } ?? "no content type"
            throw GRPCStatus(.unknown, "the answer has \(found), expected \(GRPCContentType.name)")
        }
    }
}
