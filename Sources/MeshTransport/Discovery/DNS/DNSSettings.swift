import MeshWire

/// What a look-up goes by: the configuration, and where that says nothing, what the system's files say now.
struct DNSSettings: Sendable, Hashable {
    /// No file that the system reads at each look-up is larger.
    private static let largestFile = 1 << 20

    var servers: [Endpoint]
    var search: [DomainName]
    var dots: Int
    var timeout: Duration
    var attempts: Int
    var rotates: Bool
    var hosts: HostsFile

    init(_ configuration: DNSConfiguration, resolverFile: ResolverFile, hosts: HostsFile) {
        let named = resolverFile.servers.isEmpty ? ["127.0.0.1"] : resolverFile.servers
        servers = configuration.servers.isEmpty ? named.map { .tcp(host: $0, port: 53) } : configuration.servers
        search = configuration.searchDomains.map { $0.compactMap { DomainName($0) } } ?? resolverFile.search
        dots = resolverFile.dots
        timeout = configuration.timeout ?? resolverFile.timeout
        attempts = configuration.attempts ?? resolverFile.attempts
        rotates = resolverFile.rotates
        self.hosts = hosts
    }

    /// Reads the files. One that cannot be read is like an empty one, as for the system's own resolver.
    static func current(_ configuration: DNSConfiguration, _ files: any RuntimeFiles) async -> DNSSettings {
        let resolverFile = await text(configuration.resolverFile, files).map { ResolverFile(parsing: $0) }
        let hosts = await text(configuration.hostsFile, files).map { HostsFile(parsing: $0) }
        return DNSSettings(configuration, resolverFile: resolverFile ?? ResolverFile(), hosts: hosts ?? HostsFile())
    }

    private static func text(_ path: String?, _ files: any RuntimeFiles) async -> String? {
        guard let path, let file = try? await files.read(path, limit: largestFile) else { return nil }
        return String(decoding: file.bytes, as: UTF8.self)
    }
}
