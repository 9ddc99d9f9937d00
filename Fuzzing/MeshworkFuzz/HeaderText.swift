import NIOCore
import NIOHPACK

@testable import MeshGRPC
@testable import MeshWire

/// What stands as text in gRPC's header fields: the first byte chooses which. What can be read reads back the same.
enum HeaderText {
    static func decode(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        switch first % 4 {
        case 0:
            guard let timeout = GRPCTimeout.decode(text) else { return }
            precondition(timeout >= .zero)
            precondition(GRPCTimeout.decode(GRPCTimeout.encode(timeout)) != nil)
        case 1:
            guard let value = Base64.decode(Substring(text).utf8) else { return }
            precondition(Base64.decode(Substring(Base64.encode(value)).utf8) == value)
        case 2:
            let message = PercentEncoding.decode(text)
            precondition(PercentEncoding.decode(PercentEncoding.encode(message, limit: .max)) == message)
        default:
            metadata(text)
        }
    }

    /// Names and values, a line each.
    private static func metadata(_ text: String) {
        var (metadata, budget) = (Metadata(), 4_000)
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            do throws(GRPCStatus) {
                try metadata.read(parts[0], parts.count > 1 ? parts[1] : "", budget: &budget)
            } catch { return }
        }
        precondition(metadata.byteCount <= 4_000)
        var headers = HPACKHeaders()
        try? metadata.write(to: &headers, limits: WireLimits())
    }

    static func seeds() -> [[UInt8]] {
        [
            (0, "1H"), (0, "99999999u"), (0, "0n"), (1, "AQIDBA=="), (1, "AQIDBA"), (1, "AQ,Ag"),
            (2, "it%20is %E2%82%AC 5"), (3, "key:value\nkey-bin:AQID,BA==\nother: text"), (3, "te:trailers"), (3, ":"),
        ].map { [$0.0] + Array($0.1.utf8) }
    }
}
