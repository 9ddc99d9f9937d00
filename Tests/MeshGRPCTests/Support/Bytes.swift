import MeshWire
import NIOCore
import TestSupport

@testable import MeshGRPC

extension ByteBuffer {
    var array: [UInt8] { Array(readableBytesView) }
}

/// A length-prefixed message as it is on the wire.
func framed(_ message: [UInt8], isCompressed: Bool = false) -> [UInt8] {
    var buffer = ByteBuffer()
    MessagePrefix(isCompressed: isCompressed, length: message.count).write(to: &buffer)
    return buffer.array + message
}

/// The bytes, cut into random pieces, some of them empty.
func pieces(of bytes: [UInt8], using generator: inout SeededGenerator) -> [ByteBuffer] {
    var rest = bytes[...]
    var pieces: [ByteBuffer] = []
    while !rest.isEmpty {
        let count = min(rest.count, Int(generator.anySize() % 4_000))
        pieces.append(ByteBuffer(bytes: rest.prefix(count)))
        rest = rest.dropFirst(count)
    }
    return pieces
}

func payload(_ bytes: [UInt8]) -> Payload { Payload(head: ByteBuffer(bytes: bytes)) }

/// The status of the error that `body` throws, or `nil` if it throws none.
func status(_ body: () throws(GRPCStatus) -> Void) -> GRPCStatus? {
    do throws(GRPCStatus) { try body() } catch { return error }
    return nil
}
