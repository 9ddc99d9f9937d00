import ProcessKit
import Testing

@Suite("Control frames")
struct ControlFrameDecoderTests {
    @Test("frames come out whole, however the bytes were cut", arguments: [1, 2, 3, 7, 1000])
    func frames(pieceLength: Int) throws {
        let bodies: [[UInt8]] = [[], [1], Array(repeating: 7, count: 300)]
        let bytes = try bodies.flatMap { try ControlFrameDecoder.frame($0) }
        var decoder = ControlFrameDecoder()
        var received: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: pieceLength) {
            decoder.append(bytes[start..<min(bytes.count, start + pieceLength)])
            while let body = try decoder.next() { received.append(body) }
        }
        #expect(received == bodies)
        #expect(!decoder.endsInsideFrame)
    }

    @Test("a frame cut short is not delivered, and its end is noticed")
    func cutShort() throws {
        var decoder = ControlFrameDecoder()
        decoder.append(try ControlFrameDecoder.frame([1, 2, 3]).dropLast())
        #expect(try decoder.next() == nil)
        #expect(decoder.endsInsideFrame)
    }

    @Test("a length above the limit is refused before the body arrives")
    func tooLarge() {
        var decoder = ControlFrameDecoder()
        decoder.append([0xff, 0xff, 0xff, 0xff])
        #expect(throws: ControlError.frameTooLarge(Int(UInt32.max))) { try decoder.next() }
    }

    @Test("a body above the limit is not sent")
    func tooLargeToSend() {
        let count = ControlFrameDecoder.maximumBodyBytes + 1
        #expect(throws: ControlError.frameTooLarge(count)) {
            try ControlFrameDecoder.frame([UInt8](repeating: 0, count: count))
        }
    }
}
