import NIOCore
import TestSupport
import Testing

@testable import MeshGRPC

@Suite struct EarlyAcknowledgementTests {
    private static var acknowledgement: HTTP2Bytes {
        var bytes = HTTP2Bytes()
        bytes.frame(HTTP2Bytes.Frame.settings, 1, on: 0, [])
        return bytes
    }

    /// What passes of `bytes`, which come in random pieces.
    private func passed(_ bytes: [UInt8], seed: UInt64) -> (bytes: [UInt8], isOver: Bool) {
        var generator = SeededGenerator(seed: seed)
        var early = EarlyAcknowledgement()
        var passed: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...40, using: &generator)
            early.receive(ByteBuffer(bytes: rest.prefix(count))) { passed += $0.readableBytesView }
            rest = rest.dropFirst(count)
        }
        return (passed, early.isOver)
    }

    @Test(
        "the acknowledgement moves behind the client's settings, however the bytes are cut",
        arguments: 0..<50 as Range<UInt64>)
    func moved(seed: UInt64) {
        var opening = HTTP2Bytes()
        opening.bytes = HTTP2Bytes.preface
        opening.settings([(4, 65_535), (3, 7)])
        var calls = HTTP2Bytes()
        for stream in [1, 3, 5] as [UInt32] {
            calls.call(stream)
            calls.request(stream)
        }
        // The client's own changes of its settings stay where they are, and so does an acknowledgement of what was not
        // said.
        var later = HTTP2Bytes()
        later.settings([(4, 70_000)])
        let acknowledgement = Self.acknowledgement.bytes
        let sent = opening.bytes + calls.bytes + acknowledgement + later.bytes + acknowledgement
        let expected = opening.bytes + acknowledgement + calls.bytes + later.bytes + acknowledgement
        let (bytes, isOver) = passed(sent, seed: seed)
        #expect(bytes == expected && isOver)
        // One that never comes.
        #expect(passed(opening.bytes + calls.bytes, seed: seed).bytes == opening.bytes + acknowledgement + calls.bytes)
    }

    @Test("what is no proper acknowledgement stays where it is, for HTTP/2's handler to refuse")
    func odd() {
        var bytes = HTTP2Bytes.opening
        let opening = bytes.bytes
        bytes.frame(HTTP2Bytes.Frame.settings, 1, on: 0, [0, 4, 0, 0, 0, 1])
        bytes.frame(HTTP2Bytes.Frame.settings, 1, on: 3, [])
        let rest = bytes.bytes.dropFirst(opening.count)
        #expect(passed(bytes.bytes, seed: 1).bytes == opening + Self.acknowledgement.bytes + rest)
    }

    @Test("what does not begin with settings passes as it is")
    func other() {
        var call = HTTP2Bytes()
        call.bytes = HTTP2Bytes.preface
        call.call(1)
        for bytes in [call.bytes, HTTP2Bytes.preface + Self.acknowledgement.bytes, Array(repeating: 0xEE, count: 500)] {
            #expect(passed(bytes, seed: 1).bytes == bytes)
        }
    }
}
