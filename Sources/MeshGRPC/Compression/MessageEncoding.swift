/// How the messages of a call may be compressed, by the names of `grpc-encoding`.
public enum MessageEncoding: String, Sendable, Hashable, CaseIterable {
    /// The gzip format (RFC 1952).
    case gzip
    /// The zlib format (RFC 1950), which is what HTTP and gRPC call deflate.
    case deflate

    /// What this side can read, as `grpc-accept-encoding` lists it.
    static let accepted = "identity,deflate,gzip"

    /// The encodings of a list that are known, in its order.
    static func known(in list: String) -> [MessageEncoding] {
        // What this side says itself, and most of its peers are of its kind.
        list == accepted
            ? [.deflate, .gzip] : list.split(separator: ",").compactMap { MessageEncoding(rawValue: $0.trimmingSpaces) }
    }

    /// zlib's `windowBits`: the largest window, and 16 more for gzip's header.
    var windowBits: Int32 { self == .gzip ? 15 + 16 : 15 }
}

/// What a peer said about its messages' compression.
package enum DeclaredEncoding: Sendable, Hashable {
    /// Nothing, or `identity`: no message may be compressed.
    case identity
    case known(MessageEncoding)
    /// An encoding that this side does not have; only messages that are not compressed can be read.
    case unknown(String)

    init(_ name: String) {
        if let encoding = MessageEncoding(rawValue: name) {
            self = .known(encoding)
        } else {
            self = name == "identity" || name.isEmpty ? .identity : .unknown(name)
        }
    }

    /// The encoding's name, or `nil` for `identity`, which needs no header.
    var name: String? {
        switch self {
        case .identity: nil
        case .known(let encoding): encoding.rawValue
        case .unknown(let name): name
        }
    }
}

extension Substring {
    /// The text without the spaces around it.
    var trimmingSpaces: String {
        var rest = self
        while rest.utf8.first == UInt8(ascii: " ") { rest.removeFirst() }
        while rest.utf8.last == UInt8(ascii: " ") { rest.removeLast() }
        return String(rest)
    }
}
