import MeshWire
import NIOCore

/// What `/etc/resolv.conf` says: whom to ask, and how names are completed.
///
/// Source: resolv.conf(5) of glibc. Lines that mean nothing here are passed over, as everybody does.
package struct ResolverFile: Sendable, Hashable {
    /// How many servers are asked, as in glibc; further ones are left out.
    static let serverLimit = 3
    /// The most domains that a name is completed with.
    static let searchLimit = 32

    /// The servers' addresses; those of this link with its name, such as `fe80::1%eth0`.
    package var servers: [String] = []
    /// The domains that short names may be meant in.
    package var search: [DomainName] = []
    /// How many dots make a name one that is first taken as it is.
    package var dots = 1
    /// How long a server gets to answer.
    package var timeout: Duration = .seconds(5)
    /// How often each server is asked.
    package var attempts = 2
    /// Whether the servers take turns.
    package var rotates = false

    /// What holds without a file: a server on this machine.
    package init() {}

    /// Reads the file's text.
    package init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" && $0 != ";" }.split(whereSeparator: \.isWhitespace)
            guard let keyword = words.first else { continue }
            let rest = words.dropFirst()
            switch keyword {
            case "nameserver":
                guard let address = rest.first, servers.count < Self.serverLimit,
                    DNSAddress.isAddress(String(address))
                else { continue }
                servers.append(String(address))
            // The last of both counts.
            case "search", "domain": search = rest.prefix(Self.searchLimit).compactMap { DomainName($0) }
            case "options": for option in rest { read(option) }
            default: continue
            }
        }
    }

    private mutating func read(_ option: Substring) {
        let parts = option.split(separator: ":", maxSplits: 1)
        let number = parts.count == 2 ? Int(parts[1]) : nil
        switch (parts.first, number) {
        case ("ndots", let number?) where number >= 0: dots = min(number, 15)
        case ("timeout", let number?) where number >= 1: timeout = .seconds(min(number, 30))
        case ("attempts", let number?) where number >= 1: attempts = min(number, 5)
        case ("rotate", nil): rotates = true
        default: return
        }
    }
}

/// What `/etc/hosts` says: the addresses of names, which are then asked for nowhere else.
package struct HostsFile: Sendable, Hashable {
    private var addresses: [DomainName: [SocketAddress]] = [:]

    /// No names.
    package init() {}

    /// Reads the file's text. Lines that begin with no address are passed over.
    package init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, let address = try? SocketAddress(ipAddress: String(first), port: 0) else {
                continue
            }
            for name in words.dropFirst().compactMap({ DomainName($0) }) {
                addresses[name, default: []].append(address)
            }
        }
    }

    /// A name's addresses, 4 or 16 bytes each; `nil` where it is not named.
    package func addresses(of name: DomainName) -> [[UInt8]]? { addresses[name]?.map(\.addressBytes) }
}
