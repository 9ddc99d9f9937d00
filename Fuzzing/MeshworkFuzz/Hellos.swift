import NIOCore

@testable import MeshTransport

/// A TLS client's first bytes. The first byte says how the rest is cut into reads, which must change nothing.
enum Hellos {
    static func read(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let rest = bytes.dropFirst()
        var (whole, cut) = (ClientHello(), ClientHello())
        whole.receive(ByteBuffer(bytes: rest))
        var left = rest
        while !left.isEmpty {
            cut.receive(ByteBuffer(bytes: left.prefix(Int(first) + 1)))
            left = left.dropFirst(Int(first) + 1)
        }
        precondition(whole.isOver == cut.isOver || rest.isEmpty)
        precondition(whole.protocols == cut.protocols)
    }

    /// Hellos that offer protocols, in one record and in two, and without the extension.
    static func seeds() -> [[UInt8]] {
        let extensions = [named(["h2", "http/1.1"]), named(["meshwork/1"]), [], [0, 0, 0, 0] + named(["h3"])]
        return extensions.flatMap { extensions in
            let body: [UInt8] =
                [3, 3] + [UInt8](repeating: 7, count: 32) + [0] + [0, 2, 0x13, 1] + [1, 0] + length(extensions.count)
                + extensions
            let message = [1, 0] + length(body.count) + body
            return [
                [0] + record(message[...]), [255] + record(message[...]),
                [40] + record(message.prefix(9)) + record(message.dropFirst(9)),
            ]
        }
    }

    private static func named(_ protocols: [String]) -> [UInt8] {
        let list = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        return [0, 16] + length(list.count + 2) + length(list.count) + list
    }

    private static func record(_ part: ArraySlice<UInt8>) -> [UInt8] { [22, 3, 1] + length(part.count) + part }

    private static func length(_ count: Int) -> [UInt8] { [UInt8(count >> 8), UInt8(count & 0xFF)] }
}
