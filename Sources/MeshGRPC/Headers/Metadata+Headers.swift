package import MeshWire
package import NIOHPACK

extension Metadata {
    /// Writes the entries as header fields: text as it is, bytes in base64; keys in lower case, as HTTP/2 has them. Keys
    /// that gRPC or HTTP use themselves are left out. Throws for what HTTP/2 cannot carry.
    package func write(to headers: inout HPACKHeaders, limits: WireLimits) throws(GRPCStatus) {
        guard byteCount <= limits.metadataBytes else {
            throw GRPCStatus(
                .resourceExhausted, "metadata of \(byteCount) bytes is over the limit of \(limits.metadataBytes)")
        }
        for entry in self {
            let key = entry.key.lowercased()
            guard Entry.isHeaderName(key) else {
                throw GRPCStatus(.internalError, "metadata key \"\(entry.key)\" is not a header field's name")
            }
            if Entry.isReserved(key) { continue }
            let value: String
            if Entry.isBinary(key) {
                value = Base64.encode(entry.bytes.isEmpty ? Array(entry.value.utf8) : entry.bytes)
            } else {
                guard Entry.isHeaderText(entry.value) else {
                    throw GRPCStatus(
                        .internalError,
                        "metadata \"\(key)\" has characters that are not printable ASCII; use a -bin key")
                }
                value = entry.value
            }
            headers.add(name: key, value: value, indexing: key == "authorization" ? .neverIndexed : .nonIndexable)
        }
    }

    /// Adds the entries of a header field that is the application's; skips those of HTTP and gRPC themselves. `budget` is
    /// what the limit leaves: a field that is over it is not read.
    mutating func read(_ name: String, _ value: String, budget: inout Int) throws(GRPCStatus) {
        guard !Entry.isReserved(name) else { return }
        guard Entry.isHeaderName(name) else {
            throw GRPCStatus(.internalError, "header field \"\(name)\" is not a metadata key")
        }
        guard Entry.isBinary(name) else {
            try Self.spend(name.utf8.count + value.utf8.count + 32, of: &budget)
            guard Entry.isHeaderText(value) else {
                throw GRPCStatus(.internalError, "metadata \"\(name)\" has characters that are not printable ASCII")
            }
            append(Entry(key: name, value: value))
            return
        }
        // Several values may have been joined into one field on the way (RFC 9110, 5.3).
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            try Self.spend(name.utf8.count + part.utf8.count * 3 / 4 + 32, of: &budget)
            guard let bytes = Base64.decode(part.trimmingSpaces[...].utf8) else {
                throw GRPCStatus(.internalError, "metadata \"\(name)\" is not base64")
            }
            append(Entry(key: name, bytes: bytes))
        }
    }

    private static func spend(_ bytes: Int, of budget: inout Int) throws(GRPCStatus) {
        budget -= bytes
        guard budget >= 0 else { throw GRPCStatus(.resourceExhausted, "metadata is over its limit") }
    }
}

extension Metadata.Entry {
    /// Header fields that describe the call and are not its metadata.
    private static let reserved: Set<String> = [
        "content-type", "content-length", "te", "user-agent", "host", "connection", "keep-alive", "proxy-connection",
        "transfer-encoding", "upgrade", "trailer", GRPCRequestHead.deduplicationKey,
    ]

    static func isReserved(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: ":") || name.hasPrefix("grpc-") || reserved.contains(name)
    }

    /// Digits, lower-case letters and `_-.`, as gRPC has it.
    static func isHeaderName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                    UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default:
                    false
                }
            }
    }

    /// Printable ASCII and spaces.
    static func isHeaderText(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
}
