import Foundation
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@Suite struct FileResolverTests {
    private static let path = "/etc/mesh/endpoints"

    private static func run(
        _ text: String?,
        _ body: @escaping @Sendable @concurrent (SimulatedRuntime, FileResolver) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            runtime.setFile(path, to: text)
            try await body(runtime, try FileResolver(path, runtime: runtime))
        }
    }

    @Test("the file's servers are told at once, and a change after two looks")
    func change() async throws {
        try await Self.run("shop a:1\nshop b:1\n") { runtime, resolver in
            let heard = Heard("shop", of: resolver)
            try await runtime.sleep(for: .milliseconds(10))
            #expect(heard.take() == ["a:1 b:1"])
            runtime.setFile(Self.path, to: "shop b:1\n")
            try await runtime.sleep(for: .milliseconds(1_500))
            #expect(heard.take() == [])
            try await runtime.sleep(for: .seconds(1))
            #expect(heard.take() == ["b:1"])
        }
    }

    @Test("a wrong line keeps the last good content, and says where and what was expected")
    func wrong() async throws {
        try await Self.run("shop a:1\n") { runtime, resolver in
            let heard = Heard("shop", of: resolver)
            try await runtime.sleep(for: .milliseconds(10))
            runtime.setFile(Self.path, to: "shop a:1\nshop b\n")
            try await runtime.sleep(for: .seconds(60))
            #expect(
                heard.take() == [
                    "a:1",
                    "failed: /etc/mesh/endpoints: line 2: expected host:port, [address]:port or unix:path, found b",
                ])
            let late = Heard("shop", of: resolver)
            #expect(late.take().count == 2)
            runtime.setFile(Self.path, to: "shop a:1\nshop b:1\n")
            try await runtime.sleep(for: .seconds(3))
            #expect(heard.take() == ["a:1 b:1"])
        }
    }

    @Test("a file that goes away keeps the last good content, and is read when it is back")
    func gone() async throws {
        try await Self.run("shop a:1\n") { runtime, resolver in
            let heard = Heard("shop", of: resolver)
            try await runtime.sleep(for: .milliseconds(10))
            runtime.setFile(Self.path, to: nil)
            try await runtime.sleep(for: .seconds(60))
            #expect(heard.take() == ["a:1", "failed: /etc/mesh/endpoints: there is none"])
            runtime.setFile(Self.path, to: "shop a:1\n")
            try await runtime.sleep(for: .seconds(3))
            #expect(heard.take() == ["a:1"])
        }
    }

    @Test("a file that comes later is read then")
    func later() async throws {
        try await Self.run(nil) { runtime, resolver in
            let heard = Heard("shop", of: resolver)
            try await runtime.sleep(for: .seconds(10))
            #expect(heard.take() == ["failed: /etc/mesh/endpoints: there is none"])
            runtime.setFile(Self.path, to: "shop a:1\n")
            try await runtime.sleep(for: .seconds(3))
            #expect(heard.take() == ["a:1"])
        }
    }

    @Test("a service that the file does not name any more has no server, as has one with a hyphen")
    func unnamed() async throws {
        try await Self.run("shop a:1\nother -\n") { runtime, resolver in
            let (shop, other) = (Heard("shop", of: resolver), Heard("other", of: resolver))
            try await runtime.sleep(for: .milliseconds(10))
            #expect(other.take() == [""])
            runtime.setFile(Self.path, to: "other b:1\n")
            try await runtime.sleep(for: .seconds(3))
            #expect(shop.take() == ["a:1", "", "failed: /etc/mesh/endpoints names no server of shop"])
            #expect(other.take() == ["b:1"])
        }
    }

    @Test("with the last watch the looks end, and a later watch reads anew")
    func watches() async throws {
        try await Self.run("shop a:1\n") { runtime, resolver in
            let heard = Heard("shop", of: resolver)
            try await runtime.sleep(for: .milliseconds(10))
            heard.stop()
            runtime.setFile(Self.path, to: "shop b:1\n")
            try await runtime.sleep(for: .seconds(10))
            #expect(heard.take() == ["a:1"])
            let again = Heard("shop", of: resolver)
            try await runtime.sleep(for: .milliseconds(10))
            #expect(again.take() == ["b:1"])
        }
    }

    @Test("a mesh calls the servers that a file names, and drains those that it names no more")
    func mesh() async throws {
        try await Fleet.run("a", "b") { fleet in
            let runtime = fleet.simulation.runtime
            runtime.setFile(Self.path, to: "echo.test a:1000\n")
            let resolver = try FileResolver(Self.path, runtime: runtime)
            let client = try fleet.client { $0.resolver = resolver }
            #expect(try await client.call(Echo.echo, Note("")) == Note("a"))
            runtime.setFile(Self.path, to: "echo.test b:1000\n")
            try await runtime.sleep(for: .seconds(3))
            #expect(try await client.call(Echo.echo, Note("")) == Note("b"))
            client.close()
        }
    }

    @Test(
        "on a real disk, a file that is written anew, renamed over, or swapped by a link as Kubernetes does is noticed")
    func disk() async throws {
        let folder = try TemporaryFolder()
        let files = FileManager.default
        /// A generation of a ConfigMap: a folder that `..data` is then made to point to.
        func publish(_ generation: String, _ text: String) throws {
            let place = folder.file(generation)
            try files.createDirectory(at: place, withIntermediateDirectories: false)
            try Data(text.utf8).write(to: place.appending(path: "endpoints"))
            let link = folder.file("..data_tmp")
            try files.createSymbolicLink(atPath: link.path, withDestinationPath: generation)
            guard unsafe rename(link.path, folder.file("..data").path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        }
        try publish("..2026_1", "shop a:1\n")
        try files.createSymbolicLink(
            atPath: folder.file("endpoints").path, withDestinationPath: "..data/endpoints")
        let resolver = try FileResolver(folder.file("endpoints").path, every: .milliseconds(5))
        let (told, continuation) = AsyncStream.makeStream(of: Resolution.self)
        let watch = resolver.watch("shop") { continuation.yield($0) }
        var updates = told.makeAsyncIterator()
        func server(_ name: String) -> Resolution { .endpoints([ServiceEndpoint(.tcp(host: name, port: 1))]) }
        #expect(await updates.next() == server("a"))
        try publish("..2026_2", "shop b:1\n")
        #expect(await updates.next() == server("b"))
        try Data("shop c:1\n".utf8).write(to: folder.file("..2026_2/endpoints"), options: .atomic)
        #expect(await updates.next() == server("c"))
        try "shop longer:1\n".write(to: folder.file("..2026_2/endpoints"), atomically: false, encoding: .utf8)
        // It may be seen halfway, where the writer is held up for long enough.
        while let update = await updates.next() {
            if case .failed = update { continue }
            #expect(update == server("longer"))
            break
        }
        watch.cancel()
    }

    @Test("an interval or a path that makes no sense is refused")
    func configuration() {
        #expect(throws: MeshError.self) { try FileResolver("", runtime: SystemRuntime.shared) }
        #expect(throws: MeshError.self) { try FileResolver("/x", every: .zero) }
    }
}
