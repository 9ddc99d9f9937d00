import Identity
import IdentityServices
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Telemetry
import TestSupport
import Testing

/// Identities of files that others write, in simulations.
@Suite(.timeLimit(.minutes(5))) struct FileIdentitySourceTests {
    private static let notTakenUp = "identity's files not taken up; the last good ones stay in use"

    /// A simulated machine with an identity's files.
    private struct Machine: Sendable {
        let runtime: SimulatedRuntime
        let authority: TestAuthority
        let log = LogCapture()

        func write(
            certificate: WorkloadIdentity? = nil, key: WorkloadIdentity? = nil, roots: [TestAuthority]? = nil
        ) throws {
            if let certificate { runtime.setFile("/mesh/tls.crt", to: certificate.chainPEM) }
            if let key { runtime.setFile("/mesh/tls.key", to: key.withPrivateKeyPEM { $0 }) }
            if let roots {
                let pem = try roots.map { try $0.authority.bundle().pem(of: $0.trustDomain) }
                runtime.setFile("/mesh/ca.crt", to: pem.joined())
            }
        }

        func source(
            keyFile protection: KeyFileProtection = .warned, metrics: MetricsRegistry = MetricsRegistry()
        ) async throws -> FileIdentitySource {
            try await FileIdentitySource(
                IdentityFiles(folder: "/mesh"), keyFile: protection, runtime: runtime, metrics: metrics,
                logger: log.logger)
        }

        /// Writes a key to a file of somebody's.
        func write(key: WorkloadIdentity, _ owner: FileAccess.Owner, _ permissions: UInt16) {
            runtime.setFile(
                "/mesh/tls.key", to: key.withPrivateKeyPEM { $0 },
                access: FileAccess(owner: owner, permissions: permissions))
        }

        /// Why no source can be made.
        func failure(
            expecting identity: IdentityPattern? = nil, every interval: Duration = .seconds(1)
        ) async -> IdentityError.Code? {
            do throws(IdentityError) {
                _ = try await FileIdentitySource(
                    IdentityFiles(folder: "/mesh"), expecting: identity, every: interval, runtime: runtime)
                return nil
            } catch {
                return error.code
            }
        }

        /// Runs `body` with a source that follows the files.
        func following(
            _ body: @escaping @Sendable (FileIdentitySource, WorkloadIdentity) async throws -> Void
        ) async throws {
            let svid = try authority.svid("/worker")
            try write(certificate: svid, key: svid, roots: [authority])
            let source = try await source()
            #expect(source.current.svid == svid)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await source.run() }
                try await body(source, svid)
                group.cancelAll()
            }
        }
    }

    private static func run(
        _ body: @escaping @Sendable @concurrent (Machine) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            try await body(Machine(runtime: runtime, authority: TestAuthority(runtime: runtime)))
        }
    }

    @Test("a new certificate, key and root are put in force together, at the second look")
    func change() async throws {
        try await Self.run { machine in
            try await machine.following { source, _ in
                let next = try machine.authority.svid("/worker")
                let other = try TestAuthority(runtime: machine.runtime)
                try machine.write(certificate: next, key: next, roots: [machine.authority, other])
                try await machine.runtime.sleep(for: .milliseconds(1_500))
                #expect(source.current.generation == 1)
                try await machine.runtime.sleep(for: .seconds(1))
                #expect(source.current.svid == next && source.current.bundle.roots.count == 2)
                #expect(source.current.generation == 2 && source.problem == nil)
                // The same content written again changes nothing.
                try machine.write(certificate: next, key: next)
                try await machine.runtime.sleep(for: .seconds(5))
                #expect(source.current.generation == 2)
            }
        }
    }

    enum Wrong: CaseIterable, Sendable {
        case key, cutOff, gone, foreign, otherRoot, noRoot, expired, otherIdentity

        var reason: String {
            switch self {
            case .key: "is for another key"
            case .cutOff: "malformedCertificate"
            case .gone: "there is none"
            case .foreign, .otherRoot: "untrustedIssuer"
            case .noRoot: "expected 1 to 512 blocks"
            case .expired: "expired"
            case .otherIdentity: "expected a certificate of spiffe://test.example/worker as before"
            }
        }
    }

    @Test("what is not whole, or does not fit, keeps the last good one and says once why", arguments: Wrong.allCases)
    func wrong(_ kind: Wrong) async throws {
        try await Self.run { machine in
            try await machine.following { source, first in
                let next = try machine.authority.svid("/worker")
                switch kind {
                case .key: try machine.write(certificate: next)
                case .cutOff:
                    machine.runtime.setFile("/mesh/tls.crt", to: String(next.chainPEM.dropLast(300)))
                case .gone: machine.runtime.setFile("/mesh/tls.key", to: nil)
                case .foreign:
                    let foreign = try TestAuthority(runtime: machine.runtime).svid("/worker")
                    try machine.write(certificate: foreign, key: foreign)
                case .otherRoot: try machine.write(roots: [TestAuthority(runtime: machine.runtime)])
                case .noRoot: machine.runtime.setFile("/mesh/ca.crt", to: "")
                case .expired:
                    let expired = try machine.authority.svid(
                        "/worker", lifetime: .seconds(60), issued: .seconds(3_600))
                    try machine.write(certificate: expired, key: expired)
                case .otherIdentity:
                    let other = try machine.authority.svid("/other")
                    try machine.write(certificate: other, key: other)
                }
                try await machine.runtime.sleep(for: .seconds(30))
                #expect(source.current.svid == first && source.current.generation == 1)
                #expect(source.problem?.contains(kind.reason) == true, "\(source.problem ?? "none")")
                let records = machine.log.all(Self.notTakenUp)
                #expect(records.count == 1 && records[0].level == .warning, "\(records)")
                // What follows and is good is taken up.
                try machine.write(certificate: next, key: next, roots: [machine.authority])
                try await machine.runtime.sleep(for: .seconds(3))
                #expect(source.current.svid == next && source.problem == nil)
            }
        }
    }

    @Test("what begins later is taken up when it begins, without another change")
    func notYetValid() async throws {
        try await Self.run { machine in
            try await machine.following { source, first in
                let future = try machine.authority.svid("/worker", issued: .seconds(-200))
                try machine.write(certificate: future, key: future)
                try await machine.runtime.sleep(for: .seconds(100))
                #expect(source.current.svid == first)
                #expect(machine.log.all(Self.notTakenUp).count == 1)
                try await machine.runtime.sleep(for: .seconds(100))
                #expect(source.current.svid == future)
            }
        }
    }

    @Test("a deny list and federated bundles that the host set stay when the files change")
    func besides() async throws {
        try await Self.run { machine in
            try await machine.following { source, _ in
                let partner = try TrustDomainBundle(TrustDomain(parsing: "partner.example"))
                let list = try DenyList(version: 3, entries: [])
                source.identity.set(
                    bundle: try source.current.bundle.replacing(partner, generation: 2), denyList: list)
                let next = try machine.authority.svid("/worker")
                try machine.write(
                    certificate: next, key: next,
                    roots: [machine.authority, TestAuthority(runtime: machine.runtime)])
                try await machine.runtime.sleep(for: .seconds(3))
                #expect(source.current.svid == next && source.current.denyList == list)
                #expect(source.current.bundle[partner.trustDomain] == partner)
                #expect(source.current.bundle.roots.count == 2)
            }
        }
    }

    @Test("an identity whose files are not there, or are of somebody else, is not made")
    func none() async throws {
        try await Self.run { machine in
            #expect(await machine.failure() == .fileNotRead)
            let svid = try machine.authority.svid("/worker")
            try machine.write(certificate: svid, key: svid, roots: [machine.authority])
            #expect(await machine.failure() == nil)
            let other = IdentityPattern.exact(try machine.authority.id("/other"))
            #expect(await machine.failure(expecting: other) == .notAnSVID)
            #expect(await machine.failure(every: .zero) == .invalidConfiguration)
        }
    }

    private static let exposed = "the private key's file is exposed to others on this machine"

    @Test("a private key that others can read is used, and is a warning once, a gauge and a finding until it is not")
    func exposedKey() async throws {
        try await Self.run { machine in
            let (svid, metrics) = (try machine.authority.svid("/worker"), MetricsRegistry())
            try machine.write(certificate: svid, roots: [machine.authority])
            machine.write(key: svid, .root, 0o644)
            let source = try await machine.source(metrics: metrics)
            let gauge = "mesh_identity_key_file_exposed"
            #expect(source.current.svid == svid)
            #expect(source.keyFileProblem?.contains("/mesh/tls.key") == true)
            #expect(source.keyFileProblem?.contains("its mode is 0644") == true)
            #expect(metrics.lines(of: gauge) == ["\(gauge) 1.0"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await source.run() }
                let next = try machine.authority.svid("/worker")
                try machine.write(certificate: next)
                machine.write(key: next, .root, 0o644)
                try await machine.runtime.sleep(for: .seconds(5))
                #expect(source.current.svid == next)
                let records = machine.log.all(Self.exposed)
                #expect(records.count == 1 && records[0].level == .warning)
                machine.write(key: next, .root, 0o440)
                try await machine.runtime.sleep(for: .seconds(5))
                #expect(source.keyFileProblem == nil && metrics.lines(of: gauge) == ["\(gauge) 0.0"])
                #expect(source.problem == nil && source.current.svid == next)
                group.cancelAll()
            }
        }
    }

    @Test("where it is required that the key is its owner's alone, one that is not is refused, at first and later")
    func requiredProtection() async throws {
        try await Self.run { machine in
            let svid = try machine.authority.svid("/worker")
            try machine.write(certificate: svid, roots: [machine.authority])
            machine.write(key: svid, .process, 0o640)
            do {
                _ = try await machine.source(keyFile: .required)
                Issue.record("it was taken")
            } catch let error as IdentityError {
                #expect(error.code == .keyFileExposed)
            }
            machine.write(key: svid, .process, 0o600)
            let source = try await machine.source(keyFile: .required)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await source.run() }
                let next = try machine.authority.svid("/worker")
                try machine.write(certificate: next)
                machine.write(key: next, .process, 0o604)
                try await machine.runtime.sleep(for: .seconds(5))
                #expect(source.current.svid == svid && source.problem?.contains("keyFileExposed") == true)
                #expect(source.keyFileProblem == nil)
                machine.write(key: next, .process, 0o400)
                try await machine.runtime.sleep(for: .seconds(5))
                #expect(source.current.svid == next && source.problem == nil)
                // The key in use is exposed by whoever changes its mode, although nothing new can be taken up.
                machine.write(key: next, .process, 0o644)
                try await machine.runtime.sleep(for: .seconds(5))
                #expect(source.current.svid == next && source.keyFileProblem?.contains("everybody's") == true)
                group.cancelAll()
            }
        }
    }

    @Test(
        "whose file it is and who may do what with it decides",
        arguments: [
            (.process, 0o600, nil), (.process, 0o400, nil), (.process, 0o700, nil), (.root, 0o600, nil),
            (.root, 0o640, nil), (.root, 0o440, nil), (.process, 0o640, "read or write"),
            (.process, 0o620, "read or write"),
            (.process, 0o604, "everybody's"), (.process, 0o602, "everybody's"), (.root, 0o644, "everybody's"),
            (.root, 0o660, "write"), (.root, 0o777, "everybody's"), (.other(1_000), 0o600, "user 1000"),
        ] as [(FileAccess.Owner, UInt16, String?)])
    func keyFile(owner: FileAccess.Owner, permissions: UInt16, problem: String?) async throws {
        try await Self.run { machine in
            let svid = try machine.authority.svid("/worker")
            try machine.write(certificate: svid, roots: [machine.authority])
            machine.write(key: svid, owner, permissions)
            let found = try await machine.source().keyFileProblem
            #expect(found.map { $0.contains(problem ?? "nothing") } ?? (problem == nil), "\(found ?? "none")")
            #expect(machine.log.all(Self.exposed).count == (problem == nil ? 0 : 1))
        }
    }

    @Test("calls go on while the files are renewed, again and again, also with another root")
    func calls() async throws {
        try await Self.run { machine in
            try await machine.following { source, _ in
                let runtime = machine.runtime
                let policy = try AuthorizationPolicy(rules: [
                    AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
                ])
                let server = try Mesh(identity: source, policy: policy, runtime: runtime)
                server.serve(Words.say) { word, _ in word }
                try await server.listen(host: "server", port: 1)
                let other = try TestAuthority(runtime: runtime)
                let roots = [machine.authority, other].map(\.authority.rootCertificate)
                let own = RotatableIdentity(
                    svid: try machine.authority.svid("/client"),
                    bundle: try TrustBundle([machine.authority.trustDomain: roots], generation: 1))
                let mesh = try Mesh(identity: own, policy: policy, runtime: runtime)
                let client = mesh.client(
                    Destination(host: "server", port: 1, identities: [.exact(try machine.authority.id("/worker"))]))
                try machine.write(roots: [machine.authority, other])
                for round in 0..<60 {
                    if round % 10 == 5 {
                        let issuer = round < 30 ? machine.authority : other
                        let next = try issuer.svid("/worker")
                        try machine.write(certificate: next, key: next)
                    }
                    let answer = try await client.call(Words.say, Word("\(round)"))
                    #expect(answer == Word("\(round)"))
                    try await runtime.sleep(for: .milliseconds(700))
                }
                #expect(source.current.generation == 8)
                client.close()
                await server.stop()
            }
        }
    }
}
