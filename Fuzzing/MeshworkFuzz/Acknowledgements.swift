import NIOCore

@testable import MeshGRPC

/// What moves a client's acknowledgement of settings to the front, given what a client sends. The first byte says how
/// that is cut into reads.
enum Acknowledgements {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private static let acknowledgement = frame(4, flags: 1)

    static func move(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        var early = EarlyAcknowledgement()
        var passed: [UInt8] = []
        var rest = bytes.dropFirst()
        while !rest.isEmpty {
            let read = rest.prefix(Int(first) + 1)
            let (wasOver, before) = (early.isOver, passed.count)
            early.receive(ByteBuffer(bytes: read)) { passed += $0.readableBytesView }
            precondition(!wasOver || passed.count == before + read.count)
            rest = rest.dropFirst(read.count)
        }
        precondition(passed == expected(Array(bytes.dropFirst())))
    }

    /// What passes of all that a client has sent, read at once. A frame's header waits until it is whole.
    private static func expected(_ sent: [UInt8]) -> [UInt8] {
        var passed = Array(sent.prefix(preface.count))
        var rest = sent.dropFirst(preface.count)
        var isFirst = true
        while rest.count >= 9 {
            let header = Array(rest.prefix(9))
            let count = 9 + header.prefix(3).reduce(0) { $0 << 8 | Int($1) }
            let (isSettings, acknowledges) = (header[3] == 4, header[4] & 1 != 0)
            if isFirst, !isSettings || acknowledges { return passed + rest }
            if !isFirst, isSettings, acknowledges, count == 9, header[5...].allSatisfy({ $0 == 0 }) {
                return passed + rest.dropFirst(9)
            }
            passed += rest.prefix(count)
            if isFirst, rest.count >= count { passed += acknowledgement }
            isFirst = false
            rest = rest.dropFirst(count)
        }
        return passed
    }

    /// Connections that begin as they should, with the acknowledgement early, late and never, and others.
    static func seeds() -> [[UInt8]] {
        let settings = frame(4, [0, 3, 0, 0, 0, 7, 0, 4, 0, 0, 255, 255])
        let call = frame(1, flags: 4, stream: 1, [0x83, 0x87]) + frame(0, flags: 1, stream: 1, [0, 0, 0, 0, 0])
        let programs: [[UInt8]] = [
            settings + acknowledgement + call, settings + call + acknowledgement + settings + acknowledgement,
            frame(4) + call, call + settings + acknowledgement, acknowledgement + settings + call,
            settings + frame(4, flags: 1, stream: 3) + frame(4, flags: 1, [0]) + acknowledgement + call,
        ]
        return programs.flatMap { program in [0, 8, 255].map { [$0] + preface + program } }
    }

    private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        [0, 0, UInt8(payload.count), type, flags, 0, 0, 0, stream] + payload
    }
}
