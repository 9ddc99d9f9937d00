import Identity
import MeshTransport
import Telemetry

/// What operators do while calls run: a canary, a breaker that opens and closes, a tap, and the question why. One process,
/// several servers, real sockets and certificates.
struct Rehearsal {
    private let old: [Shelf]
    private let new: Shelf
    private let mesh: Mesh
    private let client: MeshClient
    private let tap: Tap
    private let shelves: [IdentityPattern]

    /// Plays it from its beginning to its end.
    static func play(with authority: ShopAuthority) async throws {
        let rehearsal = try await Rehearsal(authority)
        try await rehearsal.canary()
        try await rehearsal.breaker()
        try await rehearsal.watch()
        try await rehearsal.explain()
        await rehearsal.stop()
    }

    private init(_ authority: ShopAuthority) async throws {
        let identity = try authority.identity(SPIFFEIDs.shelf)
        old = [
            try await Shelf(version: 1, identity), try await Shelf(version: 1, identity),
            try await Shelf(version: 1, identity),
        ]
        new = try await Shelf(version: 2, identity)
        let resolver = StaticResolver()
        resolver.set(old.map(\.endpoint), of: "shelves")
        resolver.set([new.endpoint], of: "shelves-next")
        var configuration = MeshConfiguration()
        configuration.resolver = resolver
        configuration.balancing.slowStart = nil
        // The balancer's own choice would leave a server that fails before its breaker opens, and there were nothing to
        // see.
        configuration.balancing.policy = .roundRobin
        tap = configuration.telemetry.tap
        mesh = try Mesh(
            configuration: configuration, identity: try authority.identity(SPIFFEIDs.swiftCustomer), policy: .denyAll,
            logger: .errors)
        shelves = [try IdentityPattern(parsing: SPIFFEIDs.shelf)]
        client = mesh.client(Destination(service: "shelves", identities: shelves))
        try await client.warmUp()
    }

    /// Calls go to the new version by and by, and none fails when that changes.
    private func canary() async throws {
        print("A canary: one call in ten goes to version 2, then half of them, then all.")
        for share: UInt32 in [10, 50, 100] {
            let route = Route(
                "canary", services: ["shelves"],
                backends: [
                    RouteBackend(Destination(service: "shelves", identities: shelves), weight: 100 - share),
                    RouteBackend(Destination(service: "shelves-next", identities: shelves), weight: share),
                ])
            try mesh.setRoutes(RoutePolicy(routes: [route]))
            var versions: [UInt32: Int] = [:]
            for _ in 0..<200 {
                versions[try await client.call(Inventory.stock, Amount(0, of: "plum")).count, default: 0] += 1
            }
            print(
                "  \(share) %: \(versions[1] ?? 0) answers of version 1, \(versions[2] ?? 0) of version 2, none failed")
        }
        try mesh.setRoutes(RoutePolicy())
        print()
    }

    /// One of three servers fails; calls leave it, and come back when it is mended.
    private func breaker() async throws {
        print("A breaker: one of three shelves fails all its calls.")
        _ = old.map { $0.takeCalls() }
        old[0].setBroken(true)
        var failures = 0
        while try await !isLeftOut(old[0]) { if try await !succeeds() { failures += 1 } }
        print("  it opened after \(failures) failures:")
        for report in await client.endpoints() { print("    \(report)") }
        _ = old.map { $0.takeCalls() }
        for _ in 0..<100 { _ = try await succeeds() }
        print("  of the next 100 calls the broken one got \(old[0].takeCalls())")
        old[0].setBroken(false)
        while try await isLeftOut(old[0]) {
            _ = try await succeeds()
            try await Task.sleep(for: .milliseconds(20))
        }
        print("  mended, one call was tried on it, and it takes calls again\n")
    }

    private func succeeds() async throws -> Bool {
        do {
            _ = try await client.call(Inventory.stock, Amount(0, of: "plum"))
            return true
        } catch {
            // A shelf that is broken says so; anything else ends the rehearsal.
            guard error.progress == .answered else { throw error }
            return false
        }
    }

    private func isLeftOut(_ shelf: Shelf) async throws -> Bool {
        await client.endpoints().contains { $0.endpoint == shelf.endpoint.endpoint && $0.state != .ready }
    }

    /// An operator looks at the calls that fail, and at nothing else.
    private func watch() async throws {
        print("A tap: failed calls, as they happen.")
        var options = TapSubscriber.Options()
        options.filter = TapFilter(direction: .outbound, statuses: ["internalError"])
        let watcher = try tap.watch(options, now: mesh.runtime.now.nanoseconds)
        old[1].setBroken(true)
        while watcher.take().events.isEmpty { _ = try await succeeds() }
        for _ in 0..<12 { _ = try await succeeds() }
        for event in watcher.take().events.prefix(3) {
            print("  \(event.method) to \(event.peer ?? "nobody"): \(event.status), \(event.nanoseconds / 1_000) µs")
        }
        tap.stop(watcher)
        old[1].setBroken(false)
        print()
    }

    /// Why a call did what it did, and what the next one would do.
    private func explain() async throws {
        let (_, calls) = try await CallRecord.recording {
            try await client.call(Inventory.stock, Amount(0, of: "plum"))
        }
        print("Why? A call that was made, and one that is asked about:")
        let texts = calls.map(\.description) + ["\(await client.explain(Inventory.stock))"]
        for line in texts.joined(separator: "\n").split(separator: "\n") { print("  \(line)") }
        print()
    }

    private func stop() async {
        client.close()
        await mesh.stop()
        for shelf in old + [new] { await shelf.stop() }
    }
}
