import NIOCore
import NIOEmbedded
import NIOSSL
import Testing

@testable import MeshTransport

@Suite struct ClientHelloTests {
    /// What BoringSSL says first.
    private static func hello(_ protocols: [String]) throws -> [UInt8] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = protocols
        let handler = try NIOSSLClientHandler(
            context: try NIOSSLContext(configuration: configuration), serverHostname: "server.example")
        let channel = EmbeddedChannel(handler: handler)
        try channel.connect(to: .init(unixDomainSocketPath: "/nowhere")).wait()
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }

    private static func read(_ pieces: [ArraySlice<UInt8>]) -> ClientHello {
        var hello = ClientHello()
        for piece in pieces { hello.receive(ByteBuffer(bytes: piece)) }
        return hello
    }

    @Test(
        "the protocols that a client offers are read, in whatever pieces its hello comes",
        arguments: [[], ["h2"], ["postgresql", "h3", "x"]])
    func protocols(offered: [String]) throws {
        let bytes = try Self.hello(offered)
        for cut in [0, 1, 4, 5, 6, 9, 60, bytes.count - 1] {
            let hello = Self.read([bytes[..<cut], bytes[cut...]])
            #expect(hello.isOver)
            #expect(hello.protocols == offered)
        }
        #expect(!Self.read([bytes.dropLast()]).isOver)
    }

    @Test("a hello in several records is one")
    func records() throws {
        let bytes = try Self.hello(["h2"])
        let body = bytes.dropFirst(5)
        func record(_ part: ArraySlice<UInt8>) -> [UInt8] {
            bytes.prefix(3) + [UInt8(part.count >> 8), UInt8(part.count & 0xFF)] + part
        }
        #expect(Self.read([(record(body.prefix(3)) + record(body.dropFirst(3)))[...]]).protocols == ["h2"])
    }

    @Test(
        "what is no hello is left to TLS", arguments: [Array("GET / HTTP/1.1\r\n".utf8), [22, 3, 1, 0, 4, 2, 0, 0, 0]])
    func other(bytes: [UInt8]) {
        let hello = Self.read([bytes[...]])
        #expect(hello.isOver)
        #expect(hello.protocols.isEmpty)
    }

    @Test("a hello that is changed or endless is no trap")
    func mutated() throws {
        let bytes = try Self.hello(["h2", "meshwork/1"])
        for index in bytes.indices {
            for value in [0, 1, 127, 255] as [UInt8] {
                var changed = bytes
                changed[index] = value
                _ = Self.read([changed[...]])
            }
        }
        // A hello that says that it is 16 MiB long.
        var hello = ClientHello()
        hello.receive(ByteBuffer(bytes: [22, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF]))
        for _ in 0..<10 where !hello.isOver { hello.receive(ByteBuffer(repeating: 22, count: 16_384)) }
        #expect(hello.isOver)
    }
}
