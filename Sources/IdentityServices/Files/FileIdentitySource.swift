public import Identity
public import Logging
public import MeshTransport
public import MeshWire
public import ServiceLifecycle
import Synchronization
public import Telemetry

/// An identity that another program keeps in files, such as cert-manager, step-ca or SPIFFE's helper, followed as it is
/// renewed there.
///
/// ```swift
/// let identity = try await FileIdentitySource(IdentityFiles(folder: "/var/run/secrets/mesh"))
/// let mesh = try Mesh(identity: identity, policy: policy)
/// // in the service group: identity, mesh
/// ```
/// While ``run()`` runs, the files are looked at every interval, symbolic links being followed: they may be written to,
/// replaced, or swapped together by a link (`..data`), as Kubernetes does it. A change is taken up once all of them have
/// been the same at two looks and fit together. A set that is not whole, or whose key is not the certificate's, whose chain
/// does not lead to the roots, that has ended, or that is of another SPIFFE ID, changes nothing: the last good one stays in
/// use to its end, and the log says once why.
///
/// The private key is to be its owner's alone, as OpenSSH and PostgreSQL ask: mode 0600 or less where it is the
/// process's own user's, 0640 or less where it is root's. By default another one is a warning;
/// ``KeyFileProtection/required`` refuses it. A secret that Kubernetes mounts is root's and everybody's to read (0644)
/// unless its volume says otherwise: with `defaultMode: 0440` and the pod's `fsGroup` it is as it should be.
///
/// Safe to use from any task: the state is guarded by a mutex.
public final class FileIdentitySource: IdentitySource, Service {
    /// What is in force; for a deny list, and for the bundles of federated domains, which the files do not have.
    public let identity: RotatableIdentity
    private let files: IdentityFiles
    private let expected: IdentityPattern?
    private let protection: KeyFileProtection
    private let interval: Duration
    private let runtime: any Runtime
    private let logger: Logger
    private let verifier: PeerVerifier
    /// What was read of which files is in force.
    private let first: [FileVersion]
    private let lastProblem = Mutex<String?>(nil)
    private let lastKeyFileProblem = Mutex<String?>(nil)
    private let exposed: Gauge

    /// How often the files are read at first when they are being swapped.
    private static let attempts = 3

    /// Reads the files.
    ///
    /// - Parameters:
    ///   - files: where they are.
    ///   - expected: whose certificate it must be; `nil` for whosever it is, which later ones must be of as well.
    ///   - protection: what becomes of a private key whose file is not its owner's alone. Default
    ///     ``KeyFileProtection/warned``.
    ///   - interval: how often they are looked at; a change is taken up at the second look after it. Default 1 s.
    ///   - runtime: the mesh's.
    ///   - metrics: where `mesh_identity_key_file_exposed` is, best the mesh's.
    /// - Throws: `IdentityError` with code `fileNotRead`, `keyFileExposed`, or that says what does not fit.
    public init(
        _ files: IdentityFiles, expecting expected: IdentityPattern? = nil,
        keyFile protection: KeyFileProtection = .warned, every interval: Duration = .seconds(1),
        runtime: any Runtime = SystemRuntime.shared, metrics: MetricsRegistry = MetricsRegistry(),
        logger: Logger = Logger(label: "meshwork.identity")
    ) async throws(IdentityError) {
        guard interval > .zero else {
            throw IdentityError(.invalidConfiguration, "interval: expected a time above 0 s, found \(interval)")
        }
        self.files = files
        self.expected = expected
        self.protection = protection
        self.interval = interval
        self.runtime = runtime
        self.logger = logger
        // A set is verified once.
        var configuration = PeerVerifierConfiguration()
        configuration.cacheCapacity = 0
        verifier = try PeerVerifier(configuration: configuration)
        exposed = metrics.gauge(
            "mesh_identity_key_file_exposed",
            help: "1 while others on the machine can read or write the file of the private key in use, else 0."
        ).series()
        let set = try await Self.readAtOnce(files, runtime, interval)
        try Self.check(set, protection)
        let (svid, bundle) = try await set.identity(
            after: nil, expecting: expected, verifier: verifier, now: runtime.unixTime)
        identity = RotatableIdentity(svid: svid, bundle: try TrustBundle([bundle], generation: 1))
        first = set.versions
        note(set.keyFileProblem)
    }

    /// The identity in force.
    public var current: IdentitySnapshot { identity.current }

    /// Calls `handler` after each change of it.
    public func onChange(_ handler: @escaping @Sendable () -> Void) -> IdentityObservation {
        identity.onChange(handler)
    }

    /// Why what the files hold now is not in force; `nil` where it is.
    public var problem: String? { lastProblem.withLock { $0 } }

    /// Why the file of the private key in use is not its owner's alone; `nil` where it is.
    public var keyFileProblem: String? { lastKeyFileProblem.withLock { $0 } }

    /// Follows the files until the service group shuts down or the task is cancelled.
    public func run() async throws {
        await runtime.untilStopped { await self.follow() }
    }

    private func follow() async {
        var following = FileFollowing(known: first)
        while (try? await runtime.sleep(for: interval)) != nil {
            var action = following.looked(await IdentityFileSet.versions(of: files, runtime.files))
            if action == .read { action = await read(&following) }
            if case .tell(let reason) = action { failed(reason) }
        }
    }

    private func read(_ following: inout FileFollowing<[FileVersion]>) async -> FileFollowing<[FileVersion]>.Action {
        let set: IdentityFileSet
        do throws(FileAccessError) {
            set = try await IdentityFileSet(reading: files, runtime.files)
        } catch {
            return following.looked(.failure(error))
        }
        // They have changed since they were the same at two looks.
        let found = following.looked(.success(set.versions))
        guard found == .read else { return found }
        // What is in use may be exposed now although nothing else of it has changed.
        if set.holds(identity.current.svid) { note(set.keyFileProblem) }
        do throws(IdentityError) {
            try Self.check(set, protection)
            let current = identity.current
            let (svid, bundle) = try await set.identity(
                after: current, expecting: expected, verifier: verifier, now: runtime.unixTime)
            try putInForce(svid, bundle)
            note(set.keyFileProblem)
            return following.read(set.versions, problem: nil)
        } catch {
            // One that is not valid yet will be, and one that another change came before is looked at again.
            let isFinal = ![.notYetValid, .staleTrustBundle].contains(error.code)
            return following.read(set.versions, problem: "\(error)", isFinal: isFinal)
        }
    }

    private static func check(_ set: IdentityFileSet, _ protection: KeyFileProtection) throws(IdentityError) {
        guard protection == .required, let problem = set.keyFileProblem else { return }
        throw IdentityError(.keyFileExposed, problem)
    }

    /// Tells what was found of the private key's file that is in use, if that is news.
    private func note(_ problem: String?) {
        exposed.set(problem == nil ? 0 : 1)
        let before = lastKeyFileProblem.withLock { last in
            defer { last = problem }
            return last
        }
        guard problem != before else { return }
        guard let problem else {
            logger.info("the private key's file is its owner's alone now", metadata: ["key": "\(files.key)"])
            return
        }
        logger.warning(
            "the private key's file is exposed to others on this machine",
            metadata: ["key": "\(files.key)", "error": "\(problem)"])
    }

    private func putInForce(_ svid: WorkloadIdentity, _ bundle: TrustDomainBundle) throws(IdentityError) {
        try identity.replace(svid: svid, bundle: bundle)
        lastProblem.withLock { $0 = nil }
        logger.info(
            "identity read from files",
            metadata: [
                "identity": "\(svid.spiffeID)", "until": "\(svid.notAfter)", "roots": "\(bundle.roots.count)",
                "certificate": "\(files.certificate)",
            ])
    }

    private func failed(_ reason: String) {
        lastProblem.withLock { $0 = reason }
        logger.warning(
            "identity's files not taken up; the last good ones stay in use",
            metadata: [
                "certificate": "\(files.certificate)", "until": "\(identity.current.svid.notAfter)",
                "error": "\(reason)",
            ])
    }

    /// Reads files that are all of one set.
    private static func readAtOnce(
        _ files: IdentityFiles, _ runtime: any Runtime, _ interval: Duration
    ) async throws(IdentityError) -> IdentityFileSet {
        for attempt in 1... {
            do throws(FileAccessError) {
                let before = try await IdentityFileSet.versions(of: files, runtime.files).get()
                let set = try await IdentityFileSet(reading: files, runtime.files)
                if set.versions == before { return set }
            } catch {
                throw IdentityError(.fileNotRead, "\(error)")
            }
            guard attempt < attempts, (try? await runtime.sleep(for: interval)) != nil else { break }
        }
        throw IdentityError(.fileNotRead, "\(files.paths) change while they are read")
    }
}
