import MeshWire
import NIOCore
import Testing

@testable import MeshTransport

@Suite struct ResolverFileTests {
    @Test("servers, domains and options are read")
    func kubernetes() {
        let file = ResolverFile(
            parsing: """
                # written by kubelet
                search shop.svc.cluster.local svc.cluster.local cluster.local
                nameserver 10.96.0.10
                nameserver fd00::a   ; the other one
                options ndots:5 timeout:2 attempts:3 rotate edns0
                """)
        #expect(file.servers == ["10.96.0.10", "fd00::a"])
        #expect(file.search.map(\.description) == ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"])
        #expect(file.dots == 5 && file.timeout == .seconds(2) && file.attempts == 3 && file.rotates)
    }

    @Test("an empty file means the defaults of the system's resolver")
    func defaults() {
        let file = ResolverFile(parsing: "")
        #expect(file == ResolverFile())
        #expect(file.dots == 1 && file.timeout == .seconds(5) && file.attempts == 2 && !file.rotates)
    }

    @Test("of search and domain the last one counts")
    func last() {
        #expect(ResolverFile(parsing: "search a b\ndomain c").search.map(\.description) == ["c"])
        #expect(ResolverFile(parsing: "domain c\nsearch a b").search.map(\.description) == ["a", "b"])
    }

    @Test("a server of this link is read with its link, and one that names a link for nothing is passed over")
    func links() {
        let file = ResolverFile(
            parsing: """
                nameserver fe80::1%eth0
                nameserver fe80::2
                nameserver 2001:db8::1%eth0
                nameserver 10.0.0.1%eth0
                nameserver fe80::3%
                nameserver fe80::4%a%b
                nameserver fe80::5%averyverylongone
                nameserver ff02::fb%2
                """)
        #expect(file.servers == ["fe80::1%eth0", "fe80::2", "ff02::fb%2"])
        #expect(
            DNSSettings(DNSConfiguration(), resolverFile: file, hosts: HostsFile()).servers[0]
                == .tcp(host: "fe80::1%eth0", port: 53))
        #expect("\(Endpoint.tcp(host: "fe80::1%eth0", port: 53))" == "[fe80::1%eth0]:53")
    }

    @Test("a link's name or number becomes the socket's, and a link that is not there is none")
    func sockets() throws {
        func scope(_ host: String) -> UInt32? {
            // Where `sockaddr_in6` has it; the structure is valid for the call.
            SystemNetwork.address(host, port: 53).map { address in
                unsafe address.withSockAddr { structure, _ in
                    unsafe UnsafeRawPointer(structure).load(fromByteOffset: 24, as: UInt32.self)
                }
            }
        }
        let loopback = try #require(try System.enumerateDevices().first { $0.address?.ipAddress == "127.0.0.1" })
        #expect(scope("fe80::1%\(loopback.name)") == UInt32(loopback.interfaceIndex))
        #expect(scope("fe80::1%7") == 7)
        #expect(scope("fe80::1") == 0 && scope("::1") == 0)
        // 0 is the default link (RFC 4007, 6).
        #expect(scope("fe80::1%nothinglikeit") == nil && scope("fe80::1%0") == 0)
        #expect(SystemNetwork.address("127.0.0.1", port: 53)?.port == 53)
        #expect(SystemNetwork.address("fe80::1%7", port: 5_353)?.port == 5_353)
    }

    @Test("what makes no sense is passed over, and what is out of bounds is bounded")
    func nonsense() {
        let file = ResolverFile(
            parsing: """
                nameserver
                nameserver names.example
                nameserver 1.1.1.1
                nameserver 1.1.1.2
                nameserver 1.1.1.3
                nameserver 1.1.1.4
                options ndots:99 timeout:-1 attempts:1000 timeout:x :5
                sortlist 130.155.160.0
                """)
        #expect(file.servers == ["1.1.1.1", "1.1.1.2", "1.1.1.3"])
        #expect(file.dots == 15 && file.timeout == .seconds(5) && file.attempts == 5)
    }

    @Test("the configuration goes before the file, and without both this machine is asked")
    func precedence() {
        let file = ResolverFile(parsing: "nameserver 10.0.0.1\nsearch a\noptions timeout:3 attempts:4")
        var configuration = DNSConfiguration()
        var settings = DNSSettings(configuration, resolverFile: file, hosts: HostsFile())
        #expect(settings.servers == [.tcp(host: "10.0.0.1", port: 53)])
        #expect(settings.timeout == .seconds(3) && settings.attempts == 4)
        configuration.servers = [.tcp(host: "::1", port: 5_353)]
        configuration.searchDomains = ["b", "c"]
        (configuration.timeout, configuration.attempts) = (.seconds(1), 1)
        settings = DNSSettings(configuration, resolverFile: file, hosts: HostsFile())
        #expect(settings.servers == [.tcp(host: "::1", port: 5_353)])
        #expect(settings.search.map(\.description) == ["b", "c"])
        #expect(settings.timeout == .seconds(1) && settings.attempts == 1)
        settings = DNSSettings(DNSConfiguration(), resolverFile: ResolverFile(), hosts: HostsFile())
        #expect(settings.servers == [.tcp(host: "127.0.0.1", port: 53)])
    }
}

@Suite struct HostsFileTests {
    @Test("names have the addresses of all their lines")
    func addresses() throws {
        let file = HostsFile(
            parsing: """
                127.0.0.1   localhost
                ::1         localhost ip6-localhost   # loopback
                10.0.0.7    Scoring.shop scoring
                nonsense    scoring
                """)
        #expect(
            file.addresses(of: try #require(DomainName("localhost"))) == [
                [127, 0, 0, 1], [UInt8](repeating: 0, count: 15) + [1],
            ])
        #expect(file.addresses(of: try #require(DomainName("scoring.shop"))) == [[10, 0, 0, 7]])
        #expect(file.addresses(of: try #require(DomainName("scoring"))) == [[10, 0, 0, 7]])
        #expect(file.addresses(of: try #require(DomainName("loopback"))) == nil)
    }
}
