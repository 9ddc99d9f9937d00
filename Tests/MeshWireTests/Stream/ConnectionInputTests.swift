import MeshWire
import NIOCore
import Testing

/// What stands before the first call, on either side.
@Suite struct ConnectionInputTests {
    @Test("a peer's preface and hello may come in any two pieces")
    func pieces() throws {
        let bytes = RawFrames.greeting.bytes
        for cut in 0...bytes.count {
            var state = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: WireLimits())
            var hellos = 0
            for piece in [bytes[..<cut], bytes[cut...]] {
                state.receive(ByteBuffer(bytes: piece))
                while case .established(let hello)? = try state.nextEvent() {
                    hellos += 1
                    #expect(hello.instance == InstanceID(high: 1, low: 1))
                }
            }
            #expect(hellos == 1)
            try state.end()
        }
    }

    @Test("nothing stands before the hello, and there is one")
    func order() throws {
        func error(_ change: (inout RawFrames) -> Void) -> WireError.Code? {
            var frames = RawFrames()
            change(&frames)
            return wireError { () throws(WireError) in
                var state = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: WireLimits())
                state.receive(ByteBuffer(bytes: frames.bytes))
                while try state.nextEvent() != nil {}
            }
        }
        #expect(error { $0.add(.hello, 0) } == .malformed)
        #expect(
            error {
                $0.bytes = Preface.bytes
                $0.declare(1)
            } == .unexpectedFrame)
        #expect(
            error {
                $0.bytes = Preface.bytes
                $0.add(.data, 1, payload: [1])
            } == .unexpectedFrame)
        #expect(
            error {
                $0 = .greeting
                $0.add(.hello, 0, Hello(instance: InstanceID(high: 1, low: 1)))
            } == .unexpectedFrame)
        #expect(
            error {
                var hello = Hello(instance: InstanceID(high: 1, low: 1))
                (hello.lowestVersion, hello.highestVersion) = (2, 9)
                $0.bytes = Preface.bytes
                $0.add(.hello, 0, hello)
            } == .unsupportedVersion)
        #expect(
            error {
                $0.bytes = Preface.bytes
                $0.add(.hello, 0, payload: [0x08])
            } == .truncated)
    }

    @Test("a connection ends cleanly before its first byte and between frames, and nowhere else")
    func ends() throws {
        var frames = RawFrames.greeting
        let greeting = frames.bytes.count
        frames.declare(1)
        for cut in 0...frames.bytes.count {
            var state = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: WireLimits())
            state.receive(ByteBuffer(bytes: frames.bytes[..<cut]))
            while try state.nextEvent() != nil {}
            let isClean = [0, greeting, frames.bytes.count].contains(cut)
            #expect(
                wireError { () throws(WireError) in try state.end() } == (isClean ? nil : .truncated), "cut at \(cut)")
        }
    }

    @Test("after an error nothing is read any more, and the end says nothing new")
    func broken() throws {
        var server = try ServerUnderTest()
        var frames = RawFrames.greeting
        frames.declare(2)
        #expect(wireError { () throws(WireError) in _ = try server.receive(frames) } == .malformed)
        var later = RawFrames()
        later.declare(1)
        later.request(1)
        #expect(try server.receive(later).isEmpty)
        try server.state.end()

        var client = try ClientUnderTest()
        var wrong = RawFrames()
        wrong.declare(1)
        #expect(wireError { () throws(WireError) in _ = try client.receive(wrong) } == .unexpectedFrame)
        #expect(try client.receive(.greeting).isEmpty)
        try client.state.end()
    }
}
