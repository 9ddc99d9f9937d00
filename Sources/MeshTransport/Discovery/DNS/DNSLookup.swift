import MeshWire
import Synchronization

/// Looks services up: completes their names, follows aliases, and puts records of servers and of addresses together.
/// Answers are remembered for as long as they hold.
///
/// Sendable: the memory is guarded by a mutex.
final class DNSLookup: Sendable {
    /// How long it is believed what the hosts file says, and what stood in for an answer that did not come (RFC 8767).
    private static let interimTime = Duration.seconds(30)
    /// How many of a service's servers are looked up at a time.
    private static let concurrency = 8

    private let configuration: DNSConfiguration
    private let runtime: any Runtime
    private let cache: Mutex<DNSCache>

    init(_ configuration: DNSConfiguration, _ runtime: any Runtime) {
        self.configuration = configuration
        self.runtime = runtime
        cache = Mutex(DNSCache(limit: configuration.rememberedAnswers))
    }

    /// Looks a service up.
    func find(_ service: DNSServiceName) async -> DNSFinding {
        let settings = await DNSSettings.current(configuration, runtime.files)
        let finding: DNSFinding
        switch service.kind {
        case .servers: finding = await servers(service.host, settings)
        case .addresses(let port): finding = await addresses(service.host, .init(port: port), settings)
        }
        guard case .found(let endpoints, let time) = finding else { return finding }
        return .found(DNSEndpoints.settled(endpoints, limit: configuration.maximumEndpoints), for: time)
    }

    // MARK: Servers

    private func servers(_ text: String, _ settings: DNSSettings) async -> DNSFinding {
        await firstPresent(text, settings) { name in
            switch await self.ask(DNSQuestion(name, .srv), settings) {
            case .failure(let failure): .failed("\(failure)")
            case .success((.records(let records, _), let left)):
                await self.servers(
                    records.compactMap { if case .server(let server) = $0 { server } else { nil } }, for: left,
                    of: name,
                    settings)
            case .success((_, let left)): .absent("\(name) has no servers", for: left)
            }
        }
    }

    /// The endpoints of a service's servers. Those whose addresses nobody can tell are left out, as long as there are
    /// others.
    private func servers(
        _ records: [DNSServerRecord], for time: Duration, of name: DomainName, _ settings: DNSSettings
    ) async -> DNSFinding {
        let wanted = records.filter { $0.target != .root && $0.port > 0 }.prefix(configuration.maximumEndpoints)
        let weights = wanted.map(\.weight)
        var findings: [(Int, DNSFinding)] = []
        await withTaskGroup(of: (Int, DNSFinding).self) { group in
            for (index, server) in wanted.enumerated() {
                if index >= Self.concurrency, let finding = await group.next() { findings.append(finding) }
                let traits = DNSEndpoints.Traits(
                    port: Int(server.port), weight: DNSEndpoints.weight(server.weight, beside: weights),
                    priority: server.priority)
                // One server whose name nobody can tell is no reason to give it up beside the others.
                group.addTask {
                    (index, await self.addresses(of: server.target, traits, settings, keepsLast: true))
                }
            }
            for await finding in group { findings.append(finding) }
        }
        findings.sort { $0.0 < $1.0 }
        var (endpoints, time, reason) = ([] as [ServiceEndpoint], time, nil as String?)
        for (_, finding) in findings {
            switch finding {
            case .found(let found, let left): (endpoints, time) = (endpoints + found, min(time, left))
            case .absent(_, let left): time = min(time, left)
            case .failed(let failure): (reason, time) = (reason ?? failure, min(time, configuration.backoff.base))
            }
        }
        if !endpoints.isEmpty { return .found(endpoints, for: time) }
        if let reason { return .failed(reason) }
        return .absent("\(name) has no servers with addresses", for: time)
    }

    // MARK: Addresses

    private func addresses(
        _ text: String, _ traits: DNSEndpoints.Traits, _ settings: DNSSettings
    ) async -> DNSFinding {
        if DNSAddress.isAddress(text) {
            return .found(
                [ServiceEndpoint(.tcp(host: text, port: traits.port))], for: configuration.maximumTimeToLive)
        }
        // Completed names come after what is known of the name as it stands: no search list takes a local name elsewhere.
        if let name = DomainName(text), let local = local(name, traits, settings) { return local }
        return await firstPresent(text, settings) { await self.addresses(of: $0, traits, settings) }
    }

    /// What nobody needs to be asked.
    private func local(
        _ name: DomainName, _ traits: DNSEndpoints.Traits, _ settings: DNSSettings
    ) -> DNSFinding? {
        guard let listed = settings.hosts.addresses(of: name) ?? Self.ownAddresses(name) else { return nil }
        let byType = configuration.families.types.map { type in
            listed.filter { $0.count == (type == .a ? 4 : 16) }
        }
        return found(byType, name, traits, for: Self.interimTime)
    }

    /// - Parameter keepsLast: whether the last known addresses stand in where nobody can tell any.
    private func addresses(
        of name: DomainName, _ traits: DNSEndpoints.Traits, _ settings: DNSSettings, keepsLast: Bool = false
    ) async -> DNSFinding {
        if let local = local(name, traits, settings) { return local }
        let types = configuration.families.types
        async let secondAnswer = types.count > 1 ? ask(DNSQuestion(name, types[1]), settings) : nil
        let answers = [await ask(DNSQuestion(name, types[0]), settings)] + [await secondAnswer].compactMap(\.self)
        var (byType, time, failure, hasAny) = (
            [] as [[[UInt8]]], Duration.seconds(Int64.max >> 2), nil as DNSFailure?, false
        )
        for (type, answer) in zip(types, answers) {
            switch answer {
            case .success((.records(let records, _), let left)):
                byType.append(Self.bytes(records))
                (time, hasAny) = (min(time, left), true)
            case .success((_, let left)):
                byType.append([])
                time = min(time, left)
            case .failure(let error):
                failure = failure ?? error
                // Half an answer is no reason to give up what the other half was.
                byType.append(Self.bytes(lastRecords(DNSQuestion(name, type))))
                time = min(time, Self.interimTime)
            }
        }
        if let failure, !hasAny, !keepsLast || byType.allSatisfy(\.isEmpty) { return .failed("\(failure)") }
        return found(byType, name, traits, for: time)
    }

    private func found(
        _ byType: [[[UInt8]]], _ name: DomainName, _ traits: DNSEndpoints.Traits, for time: Duration
    ) -> DNSFinding {
        let servers = DNSEndpoints.servers(first: byType[0], second: byType.count > 1 ? byType[1] : [], traits)
        return servers.isEmpty ? .absent("\(name) has no addresses", for: time) : .found(servers, for: time)
    }

    /// The addresses of what is always this machine (RFC 6761, section 6.3).
    private static func ownAddresses(_ name: DomainName) -> [[UInt8]]? {
        guard name.labels.last?.elementsEqual("localhost".utf8) == true else { return nil }
        return [[127, 0, 0, 1], [UInt8](repeating: 0, count: 15) + [1]]
    }

    private static func bytes(_ records: [DNSRecord.Value]) -> [[UInt8]] {
        records.compactMap { if case .address(let bytes) = $0 { bytes } else { nil } }
    }

    // MARK: Names and questions

    /// What the first of a name's meanings is that exists. Where nobody can tell of one, none after it is tried: a service
    /// is not to be taken for another one because a server is slow.
    private func firstPresent(
        _ text: String, _ settings: DNSSettings, _ find: (DomainName) async -> DNSFinding
    ) async -> DNSFinding {
        var (reasons, time) = ([] as [String], configuration.maximumNegativeTimeToLive)
        for name in DNSServiceName.candidates(text, in: settings.search, dots: settings.dots) {
            let finding = await find(name)
            guard case .absent(let reason, let left) = finding else { return finding }
            reasons.append(reason)
            time = min(time, left)
        }
        return .absent(reasons.joined(separator: "; "), for: time)
    }

    private func ask(
        _ question: DNSQuestion, _ settings: DNSSettings
    ) async -> Result<(DNSAnswer, left: Duration), DNSFailure> {
        var (question, time) = (question, Duration.seconds(Int64.max >> 2))
        for _ in 0...DNSAnswer.aliasLimit {
            let answer: DNSAnswer
            do throws(DNSFailure) {
                let left: Duration
                (answer, left) = try await self.answer(to: question, settings)
                time = min(time, left)
            } catch {
                return .failure(error)
            }
            guard case .alias(let name, _) = answer else { return .success((answer, time)) }
            question.name = name
        }
        return .failure(DNSFailure("\(question): more than \(DNSAnswer.aliasLimit) aliases follow each other"))
    }

    private func answer(
        to question: DNSQuestion, _ settings: DNSSettings
    ) async throws(DNSFailure) -> (DNSAnswer, Duration) {
        if let known = cache.withLock({ $0.answer(to: question, now: runtime.now) }) { return known }
        var servers = settings.servers
        if settings.rotates {
            let first = Int(runtime.randomBits() % UInt64(servers.count))
            servers = Array(servers[first...] + servers[..<first])
        }
        let transaction = DNSTransaction(question, servers: servers, rounds: settings.attempts)
        let answer = try await DNSExchange(transaction, timeout: settings.timeout, runtime).run()
        let time = configuration.time(of: answer)
        cache.withLock { $0.keep(answer, to: question, for: time, now: runtime.now) }
        return (answer, time)
    }

    /// What a name had last, if that is remembered.
    private func lastRecords(_ question: DNSQuestion) -> [DNSRecord.Value] {
        var question = question
        for _ in 0...DNSAnswer.aliasLimit {
            switch cache.withLock({ $0.lastAnswer(to: question) }) {
            case .records(let records, _): return records
            case .alias(let name, _): question.name = name
            case .absent, nil: return []
            }
        }
        return []
    }
}
