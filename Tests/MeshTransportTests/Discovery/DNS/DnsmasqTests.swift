import Foundation
import MeshTransport
import MeshWire
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// A real name server beside the resolver.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: Peer.find("dnsmasq") != nil, "dnsmasq is not installed"))
struct DnsmasqTests {
    /// Starts dnsmasq with records, and a resolver that asks it; `body` gets what a service's first resolution is.
    private func resolve(
        _ services: [String], _ change: (inout DNSConfiguration) -> Void = { _ in }
    ) async throws -> [Resolution] {
        let free = try await ServerBootstrap(group: SystemRuntime.shared.eventLoopGroup).bind(
            host: "127.0.0.1", port: 0
        )
        .get()
        let port = try #require(free.localAddress?.port)
        try await free.close()
        let long = (1...100).map { "--host-record=many.shop,10.0.1.\($0)" }
        let server = try Peer(
            try #require(Peer.find("dnsmasq")),
            [
                "--keep-in-foreground", "--log-facility=-", "--port=\(port)", "--listen-address=127.0.0.1",
                "--bind-interfaces", "--no-resolv", "--no-hosts", "--user=", "--pid-file=", "--conf-file=/dev/null",
                "--auth-ttl=7", "--local=/shop/", "--local-ttl=9", "--neg-ttl=5",
                "--host-record=a.shop,10.0.0.1,fd00::1", "--host-record=b.shop,10.0.0.2", "--cname=alias.shop,b.shop",
                "--srv-host=_scoring._tcp.shop,a.shop,7000,0,3", "--srv-host=_scoring._tcp.shop,b.shop,7001,1,5",
            ] + long, complaints: .printed)
        var configuration = DNSConfiguration()
        configuration.servers = [.tcp(host: "127.0.0.1", port: port)]
        (configuration.searchDomains, configuration.resolverFile, configuration.hostsFile) = (["shop"], nil, nil)
        configuration.backoff.base = .milliseconds(20)
        change(&configuration)
        // It says so when it answers.
        while let line = try await server.nextLine(), !line.contains("started") {}
        let resolver = try DNSResolver(configuration)
        var resolutions: [Resolution] = []
        for service in services {
            let (told, continuation) = AsyncStream.makeStream(of: Resolution.self)
            let watch = resolver.watch(service) { continuation.yield($0) }
            var updates = told.makeAsyncIterator()
            if let resolution = await updates.next() { resolutions.append(resolution) }
            watch.cancel()
        }
        await server.kill()
        return resolutions
    }

    @Test("addresses, aliases, servers and names that are not there are what the server says")
    func records() async throws {
        let resolutions = try await resolve([
            "a.shop:80", "b:80", "alias.shop.:80", "_scoring._tcp.shop", "nowhere.shop:80",
        ])
        let a = ServiceEndpoint(
            .tcp(host: "fd00::1", port: 80), alternatives: [.tcp(host: "10.0.0.1", port: 80)])
        let b = ServiceEndpoint(.tcp(host: "10.0.0.2", port: 80))
        #expect(
            resolutions == [
                .endpoints([a]), .endpoints([b]), .endpoints([b]),
                .endpoints([
                    ServiceEndpoint(
                        .tcp(host: "fd00::1", port: 7_000), weight: 3,
                        alternatives: [.tcp(host: "10.0.0.1", port: 7_000)]),
                    ServiceEndpoint(.tcp(host: "10.0.0.2", port: 7_001), weight: 5, priority: 1),
                ]),
                .failed("nowhere.shop has no addresses; nowhere.shop.shop has no addresses"),
            ])
    }

    @Test("an answer that is too long for a datagram comes over TCP")
    func long() async throws {
        let resolutions = try await resolve(["many.shop:80"]) { $0.families = .ipv4 }
        guard case .endpoints(let endpoints)? = resolutions.first else {
            Issue.record("expected endpoints, found \(resolutions)")
            return
        }
        #expect(endpoints.count == 100)
    }
}
