public import MeshWire

/// Which addresses of a host are used.
public struct AddressFamilies: Sendable, Hashable {
    /// The kinds of records, the preferred first.
    let types: [DNSRecordType]

    /// IPv6 and IPv4. A server that has one address of each is connected to over the one that answers first, IPv6 having
    /// a start of 250 ms (RFC 8305).
    public static let both = AddressFamilies(types: [.aaaa, .a])
    /// IPv4 alone.
    public static let ipv4 = AddressFamilies(types: [.a])
    /// IPv6 alone.
    public static let ipv6 = AddressFamilies(types: [.aaaa])
}

/// How a ``DNSResolver`` asks, and how long it believes what it is told.
public struct DNSConfiguration: Sendable, Hashable {
    /// Whom to ask: addresses and ports. Default empty: the `nameserver` lines of ``resolverFile``, and this machine
    /// where it has none.
    public var servers: [Endpoint] = []
    /// The domains that a short name is completed with; `nil`, the default, for those of ``resolverFile``.
    public var searchDomains: [String]?
    /// The system's list of servers and domains, with the options `ndots`, `timeout`, `attempts` and `rotate`; read anew
    /// before each look-up. Default `/etc/resolv.conf`; `nil` for none.
    public var resolverFile: String? = "/etc/resolv.conf"
    /// The names that need not be asked for; read anew before each look-up. Default `/etc/hosts`; `nil` for none.
    public var hostsFile: String? = "/etc/hosts"
    /// How long a server gets to answer, each time that it is asked; `nil`, the default, for what ``resolverFile`` says,
    /// which is 5 s if nothing.
    public var timeout: Duration?
    /// How often each server is asked; `nil`, the default, for what ``resolverFile`` says, which is 2 if nothing.
    public var attempts: Int?
    /// Which addresses are used. Default both.
    public var families = AddressFamilies.both
    /// The shortest time that an answer is believed. Default 1 s: a server that says 0 is not to be asked without end.
    public var minimumTimeToLive: Duration = .seconds(1)
    /// The longest time that an answer is believed. Default 5 min: what moves in spite of what the zone says is found
    /// within that.
    public var maximumTimeToLive: Duration = .seconds(300)
    /// The longest time that it is believed that a name is not there. Default 30 s: it is mostly about to be.
    public var maximumNegativeTimeToLive: Duration = .seconds(30)
    /// How long a name must have been said not to be there until the endpoints that it had are given up. Default 30 s. A
    /// name server that starts, or loads a zone, says so for a moment of names that it is about to know; what other
    /// failures say is never a reason to give endpoints up.
    public var absenceTolerance: Duration = .seconds(30)
    /// The share of the time until the next look-up that is random, on top of it, so that processes that were started
    /// together do not ask together. Default 0.1.
    public var jitter = 0.1
    /// The wait after a look-up that failed; it doubles with each further one. Default 1 s, doubling up to 30 s.
    public var backoff: ConnectBackoff = {
        var backoff = ConnectBackoff()
        (backoff.base, backoff.limit) = (.seconds(1), .seconds(30))
        return backoff
    }()
    /// The most answers that are remembered, of all names. Default 1,024.
    public var rememberedAnswers = 1_024
    /// The most endpoints of a service; further ones are left out. Default 1,024.
    public var maximumEndpoints = 1_024

    /// Makes the defaults.
    public init() {}

    /// What is out of range.
    var problems: [String] {
        var problems = backoff.problems.map { "backoff.\($0)" }
        let durations = [
            ("timeout", timeout), ("minimumTimeToLive", minimumTimeToLive),
            ("maximumNegativeTimeToLive", maximumNegativeTimeToLive),
        ]
        for (name, duration) in durations {
            if let duration, duration <= .zero { problems.append("\(name) must be above zero, is \(duration)") }
        }
        if maximumTimeToLive < minimumTimeToLive {
            problems.append("maximumTimeToLive must be at least minimumTimeToLive, is \(maximumTimeToLive)")
        }
        if absenceTolerance < .zero {
            problems.append("absenceTolerance must not be negative, is \(absenceTolerance)")
        }
        if !(0...1).contains(jitter) { problems.append("jitter must be in 0...1, is \(jitter)") }
        for (name, count) in [
            ("attempts", attempts ?? 1), ("rememberedAnswers", rememberedAnswers),
            ("maximumEndpoints", maximumEndpoints),
        ] where count < 1 { problems.append("\(name) must be at least 1, is \(count)") }
        for server in servers {
            guard case .tcp(let host, let port) = server, DNSAddress.isAddress(host), (1...65_535).contains(port) else {
                problems.append("servers must be addresses with ports, one is \(server)")
                continue
            }
        }
        for domain in searchDomains ?? [] where DomainName(domain) == nil {
            problems.append("searchDomains must be domain names, one is \(domain)")
        }
        return problems
    }

    /// How long an answer is believed.
    func time(of answer: DNSAnswer) -> Duration {
        switch answer {
        case .records(_, let seconds), .alias(_, let seconds):
            min(max(.seconds(Int64(seconds)), minimumTimeToLive), maximumTimeToLive)
        case .absent(_, let seconds):
            min(max(.seconds(Int64(seconds ?? 0)), minimumTimeToLive), maximumNegativeTimeToLive)
        }
    }
}
