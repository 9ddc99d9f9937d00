import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import Synchronization
import Testing

@Suite struct SimulatedNameServerTests {
    @Test("a name server knows what it is told, and forgets it again")
    func records() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let names = try await runtime.nameServer(at: "10.0.0.53")
            names.set("a.shop", [.alias("b.shop")])
            names.set("b.shop", [.address("10.0.0.1"), .address("fd00::1")])
            #expect(try await Self.first("a.shop:80", runtime) == "[fd00::1]:80")
            names.remove("b.shop")
            #expect(try await Self.first("a.shop:80", runtime) == "a.shop has no addresses")
            #expect(names.questions.count == 4)
        }
    }

    @Test("files are there once they are written, and no more once they are removed")
    func files() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            await #expect(throws: FileAccessError.self) { try await runtime.files.version(of: "/etc/x") }
            runtime.setFile("/etc/x", to: "one")
            let first = try await runtime.files.read("/etc/x", limit: 3)
            #expect(first.bytes == Array("one".utf8))
            await #expect(throws: FileAccessError.self) { try await runtime.files.read("/etc/x", limit: 2) }
            runtime.setFile("/etc/x", to: "one")
            #expect(try await runtime.host("a").files.version(of: "/etc/x") != first.version)
            runtime.setFile("/etc/x", to: nil)
            await #expect(throws: FileAccessError.self) { try await runtime.files.version(of: "/etc/x") }
        }
    }

    /// The first endpoint of a service, or why there is none.
    private static func first(_ service: String, _ runtime: SimulatedRuntime) async throws -> String {
        var configuration = DNSConfiguration()
        configuration.servers = [.tcp(host: "10.0.0.53", port: 53)]
        let resolver = try DNSResolver(configuration, runtime: runtime)
        let told = Mutex<[String]>([])
        let watch = resolver.watch(service) { resolution in
            let text =
                switch resolution {
                case .endpoints(let endpoints): endpoints.first.map { "\($0.endpoint)" } ?? "none"
                case .failed(let reason): reason
                }
            told.withLock { $0.append(text) }
        }
        try await runtime.sleep(for: .milliseconds(500))
        watch.cancel()
        return told.withLock { $0.first } ?? "nothing"
    }
}
