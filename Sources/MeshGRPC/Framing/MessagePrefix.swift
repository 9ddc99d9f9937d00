import MeshWire
import NIOCore

/// What stands before each message: a flag that says whether it is compressed, and its length, big-endian.
struct MessagePrefix {
    static let encodedSize = 5

    var isCompressed: Bool
    var length: Int

    init(isCompressed: Bool, length: Int) {
        self.isCompressed = isCompressed
        self.length = length
    }

    /// Reads a prefix if `buffer` holds one.
    init?(from buffer: inout ByteBuffer) throws(GRPCStatus) {
        guard let (flag, length) = buffer.readMultipleIntegers(as: (UInt8, UInt32).self) else { return nil }
        guard flag <= 1 else {
            throw GRPCStatus(.internalError, "a message's compressed flag is \(flag), expected 0 or 1")
        }
        self.init(isCompressed: flag == 1, length: Int(length))
    }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(UInt8(isCompressed ? 1 : 0), UInt32(length))
    }
}
