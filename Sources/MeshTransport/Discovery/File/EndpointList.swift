import Identity
package import MeshWire

/// The servers of services as a file lists them, a line each.
///
/// ```
/// # service       where it listens     what else is known
/// scoring.shop    10.0.0.1:7000        weight=2 zone=a identity=spiffe://shop.example/scoring
/// scoring.shop    [fd00::2]:7000       or=10.0.0.2:7000 priority=1
/// scoring.shop    unix:/run/scoring
/// ledger.shop     -
/// ```
/// Words are separated by blanks; `#` begins a comment that goes on to the line's end. The words behind the place, in any
/// order: `weight=` (1 and more; default 1), `priority=` (0 to 65535; default 0), `zone=`, `identity=` (a pattern; may
/// be said again, for each that the server may prove) and `or=` (where the same server listens besides; may be said again).
/// A place of `-` says that the service has no server now. The last line ends as all do, with a line feed: a file that is
/// cut off is not taken for a whole one.
package struct EndpointList: Sendable, Hashable {
    /// The most servers in a file.
    package static let serverLimit = 10_000

    /// Each service's servers, in the order of their lines.
    package private(set) var services: [String: [ServiceEndpoint]] = [:]

    /// Reads a file's text; throws the first line that is wrong, and what was expected there.
    package init(parsing bytes: [UInt8]) throws(EndpointListError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw EndpointListError(line: 1, "expected UTF-8, found other bytes")
        }
        // By bytes: a carriage return and a line feed are one Character.
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            Substring($0)
        }
        guard lines.last?.isEmpty == true else {
            throw EndpointListError(
                line: lines.count, "expected a line feed at the file's end, found none: is it cut off?")
        }
        var (seen, count) = ([:] as [String: Set<Endpoint>], 0)
        for (index, line) in lines.enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let service = words.first.map(String.init) else { continue }
            let number = index + 1
            guard words.count > 1 else {
                throw EndpointListError(line: number, "expected a place after \(service), or - for no server")
            }
            guard words[1] != "-" else {
                guard words.count == 2, services[service] == nil else {
                    throw EndpointListError(line: number, "expected - to be all that is said of \(service)")
                }
                services[service] = []
                seen[service] = []
                continue
            }
            count += 1
            guard count <= Self.serverLimit else {
                throw EndpointListError(line: number, "expected at most \(Self.serverLimit) servers")
            }
            let endpoint = try Self.endpoint(words.dropFirst(), line: number)
            guard services[service]?.isEmpty != true else {
                throw EndpointListError(line: number, "expected - to be all that is said of \(service)")
            }
            guard seen[service, default: []].insert(endpoint.endpoint).inserted else {
                throw EndpointListError(line: number, "expected \(endpoint.endpoint) once for \(service)")
            }
            services[service, default: []].append(endpoint)
        }
        guard !services.isEmpty else {
            throw EndpointListError(line: 1, "expected a line of a service, found none: - says that one has no server")
        }
    }

    private static func endpoint(
        _ words: ArraySlice<Substring>, line: Int
    ) throws(EndpointListError) -> ServiceEndpoint {
        var endpoint = ServiceEndpoint(try place(words.first ?? "", line: line))
        var once: Set<Substring> = []
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[1].isEmpty else {
                throw EndpointListError(line: line, "expected name=value, found \(word)")
            }
            let (name, value) = (parts[0], parts[1])
            guard name == "identity" || name == "or" || once.insert(name).inserted else {
                throw EndpointListError(line: line, "expected \(name)= once")
            }
            switch name {
            case "weight":
                guard let weight = UInt32(value), weight > 0 else {
                    throw EndpointListError(line: line, "expected a weight of 1 or more, found \(value)")
                }
                endpoint.weight = weight
            case "priority":
                guard let priority = UInt16(value) else {
                    throw EndpointListError(line: line, "expected a priority of 0 to 65535, found \(value)")
                }
                endpoint.priority = priority
            case "zone": endpoint.zone = String(value)
            case "identity":
                do throws(IdentityError) {
                    endpoint.identities.append(try IdentityPattern(parsing: String(value)))
                } catch {
                    throw EndpointListError(line: line, error.message)
                }
            case "or": endpoint.alternatives.append(try place(value, line: line))
            default:
                throw EndpointListError(
                    line: line, "expected weight=, priority=, zone=, identity= or or=, found \(name)=")
            }
        }
        return endpoint
    }

    private static func place(_ text: Substring, line: Int) throws(EndpointListError) -> Endpoint {
        guard text != "unix:" else { throw EndpointListError(line: line, "expected a path after unix:") }
        guard let found = place(text) else {
            throw EndpointListError(line: line, "expected host:port, [address]:port or unix:path, found \(text)")
        }
        return found
    }

    /// The place that is written so: `host:port`, `[address]:port` or `unix:path`; `nil` if none is.
    package static func place(_ text: Substring) -> Endpoint? {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            return path.isEmpty ? nil : .unix(path: path)
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard let port = Int(digits), (1...65_535).contains(port), digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") })
        else { return nil }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
            guard host.contains(":"), DNSAddress.isAddress(String(host)) else { return nil }
        } else {
            guard DomainName(host) != nil else { return nil }
        }
        return .tcp(host: String(host), port: port)
    }
}

/// What is wrong with a list of servers.
package struct EndpointListError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which line it is, the first being 1.
    package let line: Int
    /// What was expected, and what was found.
    package let message: String

    init(line: Int, _ message: String) {
        self.line = line
        self.message = message
    }

    package var description: String { "line \(line): \(message)" }
}
