import MeshWire
import NIOCore
import Testing

@Suite struct HelloTests {
    private func hello(_ lowest: UInt32, _ highest: UInt32) -> Hello {
        var hello = Hello(instance: InstanceID(high: 1, low: 2))
        (hello.lowestVersion, hello.highestVersion) = (lowest, highest)
        return hello
    }

    @Test("a hello comes back as it was sent")
    func roundTrip() throws {
        var hello = Hello(instance: InstanceID(high: .max, low: 7))
        hello.features = Features(rawValue: 1 << 63)
        #expect(try Payload(hello).decode(as: Hello.self) == hello)
        hello = Hello(instance: InstanceID(high: .max, low: 7), limits: WireLimits())
        #expect(hello.features == [.streams, .ping])
        #expect(try Payload(hello).decode(as: Hello.self) == hello)
    }

    @Test("credit that no message could be sent with is refused", arguments: [0, 1, 131_071, 1 << 41, .max])
    func credit(bytes: Int) {
        var streams = Hello(instance: InstanceID(high: 1, low: 2), limits: WireLimits())
        var connection = streams
        streams.streamCredit = bytes
        connection.connectionCredit = bytes
        for hello in [streams, connection] {
            #expect(
                wireError { () throws(WireError) in _ = try Payload(hello).decode(as: Hello.self) } == .malformed)
        }
    }

    @Test("the highest version that both speak is used")
    func shared() throws {
        #expect(try hello(1, 1).version(sharedWith: hello(1, 1)) == 1)
        #expect(try hello(1, 3).version(sharedWith: hello(2, 5)) == 3)
        #expect(try hello(0, .max).version(sharedWith: hello(1, 1)) == 1)
    }

    @Test(
        "peers without a version in common part",
        arguments: [(2, 3), (0, 0), (5, 1), (2, 1), (.max, .max)] as [(UInt32, UInt32)])
    func none(lowest: UInt32, highest: UInt32) {
        #expect(
            wireError { () throws(WireError) in _ = try hello(1, 1).version(sharedWith: hello(lowest, highest)) }
                == .unsupportedVersion)
    }

    @Test("an instance is shown as 32 hexadecimal digits")
    func instance() {
        #expect("\(InstanceID(high: 0xA, low: .max))" == "000000000000000affffffffffffffff")
    }
}
