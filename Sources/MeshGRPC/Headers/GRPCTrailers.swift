package import MeshWire
package import NIOHPACK

/// What ends an answer: the status and the last metadata.
package struct GRPCTrailers: Sendable, Hashable {
    /// The most bytes that `grpc-message` takes; the rest of the text is cut off. Peers accept 8 KiB of header fields.
    static let largestMessage = 4 << 10

    package var status: GRPCStatus
    package var metadata: Metadata
    package var pushback: RetryPushback?

    package init(_ status: GRPCStatus, metadata: Metadata = Metadata(), pushback: RetryPushback? = nil) {
        self.status = status
        self.metadata = metadata
        self.pushback = pushback
    }

    /// The header fields; with those of a response's beginning where this is all of it.
    package func headers(isWholeResponse: Bool, limits: WireLimits) throws(GRPCStatus) -> HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(7 + metadata.count)
        if isWholeResponse {
            headers.add(name: ":status", value: "200")
            headers.add(name: "content-type", value: GRPCContentType.name)
            // A client whose compression this side does not have learns what it has.
            if status.code == .unimplemented {
                headers.add(name: "grpc-accept-encoding", value: MessageEncoding.accepted)
            }
        }
        headers.add(name: "grpc-status", value: String(status.code.rawValue))
        if !status.message.isEmpty {
            let text = PercentEncoding.encode(status.message, limit: Self.largestMessage)
            headers.add(name: "grpc-message", value: text, indexing: .nonIndexable)
        }
        if !status.details.isEmpty {
            // Within the limit of metadata: they come from a handler as that does.
            guard status.details.count <= limits.metadataBytes else {
                throw GRPCStatus(
                    .resourceExhausted, "a status with \(status.details.count) bytes of details: \(status.code)")
            }
            let text = Base64.encode(status.details)
            headers.add(name: "grpc-status-details-bin", value: text, indexing: .nonIndexable)
        }
        if let pushback {
            headers.add(name: "grpc-retry-pushback-ms", value: pushback.headerValue, indexing: .nonIndexable)
        }
        try metadata.write(to: &headers, limits: limits)
        return headers
    }

    /// Reads the header fields that end a response; `nil` if there is no `grpc-status` among them.
    ///
    /// A status that cannot be read is `unknown`. Metadata that cannot be read turns success into that fault, and is
    /// dropped where the call has failed anyway.
    package init?(_ headers: HPACKHeaders, limits: WireLimits) {
        self.init(.ok)
        var code: CallStatus?
        var pushbacks: [String] = []
        var budget = limits.metadataBytes
        var fault: GRPCStatus?
        for (name, value, _) in headers {
            switch name {
            case "grpc-status": code = Self.code(value)
            case "grpc-message": status.message = PercentEncoding.decode(value)
            case "grpc-status-details-bin":
                // Details have a room of their own, as large as the metadata's.
                if value.utf8.count / 4 * 3 <= limits.metadataBytes + 3 {
                    status.details = Base64.decode(value[...].utf8) ?? []
                }
            case "grpc-retry-pushback-ms": pushbacks.append(value)
            default:
                guard fault == nil else { continue }
                do throws(GRPCStatus) {
                    try metadata.read(name, value, budget: &budget)
                } catch {
                    fault = error
                }
            }
        }
        guard let code else { return nil }
        status.code = code
        pushback = RetryPushback(headerValues: pushbacks)
        if let fault {
            metadata = Metadata()
            if code == .ok { status = fault }
        }
    }

    private static func code(_ text: String) -> CallStatus {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt32(text) else {
            return .unknown
        }
        return CallStatus(rawValue: number)
    }
}

extension RetryPushback {
    /// One value that is a time; anything else that is there means never.
    init?(headerValues: [String]) {
        guard let text = headerValues.first else { return nil }
        if headerValues.count == 1, let milliseconds = Int32(text), milliseconds >= 0 {
            self = .after(.milliseconds(Int64(milliseconds)))
        } else {
            self = .never
        }
    }

    var headerValue: String {
        switch self {
        case .after(let time): "\(min(max(0, time.inMicroseconds / 1_000), Int64(Int32.max)))"
        case .never: "-1"
        }
    }
}
