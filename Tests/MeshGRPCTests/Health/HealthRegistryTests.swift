import Identity
import MeshTransport
import MeshworkTesting
import Testing

@testable import MeshGRPC

extension HealthService {
    /// The status of the process as a whole.
    fileprivate var status: HealthRegistry.Status? { currentStatus(of: HealthRegistry.server) }
}

@Suite struct HealthRegistryTests {
    @Test("the server as a whole serves; a service that was never named is not known")
    func check() {
        var registry = HealthRegistry()
        #expect(registry.status(of: HealthRegistry.server) == .serving)
        #expect(registry.status(of: "a.B") == nil)
        #expect(registry.setStatus(.notServing, of: "a.B").isEmpty)
        #expect(registry.status(of: "a.B") == .notServing)
    }

    @Test("a watcher is told what is, then what changes, once")
    func watch() throws {
        var registry = HealthRegistry()
        let watch = registry.watch("a.B")
        let (watcher, first) = try #require(watch)
        #expect(first == .serviceUnknown)
        #expect(registry.setStatus(.serving, of: "other").isEmpty)
        #expect(registry.setStatus(.serving, of: "a.B") == [.init(watcher: watcher, status: .serving)])
        #expect(registry.setStatus(.serving, of: "a.B").isEmpty)
        #expect(registry.remove("a.B") == [.init(watcher: watcher, status: .serviceUnknown)])
        registry.unwatch(watcher)
        #expect(registry.setStatus(.serving, of: "a.B").isEmpty)
        #expect(registry.watcherCount == 0)
    }

    @Test(
        "a process that lacks something does not serve as a whole, whatever is set, and serves again when it is there")
    func readiness() throws {
        var registry = HealthRegistry()
        let watch = registry.watch(HealthRegistry.server)
        let watcher = try #require(watch).watcher
        let lacking = registry.setReady(false)
        #expect(lacking == [.init(watcher: watcher, status: .notServing)])
        let set = registry.setStatus(.serving, of: HealthRegistry.server)
        #expect(set.isEmpty && registry.status(of: HealthRegistry.server) == .notServing)
        let there = registry.setReady(true)
        #expect(there == [.init(watcher: watcher, status: .serving)])
    }

    @Test("a mesh's health service says what the mesh lacks")
    func meshReadiness() async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let mesh = try Mesh(identity: authority.identity("/server"), policy: .denyAll)
        mesh.setReady("model", false)
        let health = mesh.serveHealth()
        #expect(health.status == .notServing)
        mesh.setReady("table", false)
        mesh.setReady("model", true)
        #expect(health.status == .notServing)
        mesh.setReady("table", true)
        #expect(health.status == .serving)
        mesh.setReady("table", true)
        mesh.setReady("table", false)
        #expect(health.status == .notServing)
    }

    @Test("a server that stops serves nothing, for good")
    func shutDown() throws {
        var registry = HealthRegistry()
        _ = registry.setStatus(.serving, of: "a.B")
        let all = registry.watch(HealthRegistry.server)
        let one = registry.watch("a.B")
        let told = registry.shutDown().map(\.watcher)
        #expect(try told == [#require(all).watcher, #require(one).watcher])
        #expect(registry.status(of: HealthRegistry.server) == .notServing)
        #expect(registry.setStatus(.serving, of: "a.B").isEmpty)
        #expect(registry.status(of: "a.B") == .notServing)
    }

    @Test("watchers are bounded")
    func bound() throws {
        var registry = HealthRegistry(largestWatchers: 1)
        let first = registry.watch("a")
        let second = registry.watch("a")
        #expect(second == nil)
        registry.unwatch(try #require(first).watcher)
        let third = registry.watch("a")
        #expect(third != nil)
    }
}
