import NIOCore

@testable import MeshGRPC

/// A compressed message: the first byte chooses the compression and how the rest is cut.
enum Compression {
    private static let limit = 100_000

    static func inflate(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let inflater = Inflater(encoding(first), limit: limit)
        var rest = ByteBuffer(bytes: bytes.dropFirst())
        do throws(InflaterError) {
            while rest.readableBytes > 0,
                let piece = rest.readSlice(length: min(rest.readableBytes, Int(first >> 1) + 1))
            {
                try inflater.append(piece)
            }
            let message = try inflater.finish()
            precondition(message.readableBytes <= limit)
        } catch { return }
    }

    private static func encoding(_ first: UInt8) -> MessageEncoding {
        MessageEncoding.allCases[Int(first) % MessageEncoding.allCases.count]
    }

    /// Short and long messages in each compression; one that is over the limit.
    static func seeds() -> [[UInt8]] {
        (0..<2 as Range<UInt8>).flatMap { first in
            [10, 5_000, 200_000].map { count in
                [first] + deflate((0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }, encoding(first))
            }
        }
    }

    /// The bytes, compressed; nothing where there is no memory for that.
    static func deflate(_ bytes: [UInt8], _ encoding: MessageEncoding) -> [UInt8] {
        guard let deflater = Deflater(encoding) else { return [] }
        deflater.append(ByteBuffer(bytes: bytes))
        return Array(deflater.finish().readableBytesView)
    }
}
