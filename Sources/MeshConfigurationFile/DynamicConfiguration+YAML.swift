import Identity
public import MeshTransport

extension DynamicConfiguration {
    /// Reads a document of YAML; what it does not say is as in `base`.
    ///
    /// ```yaml
    /// version: canary
    /// callTimeout: 10s
    /// routes:
    ///   - name: canary
    ///     services: [scoring]
    ///     backends:
    ///       - {service: scoring, weight: 95}
    ///       - {service: scoring-next, weight: 5}
    /// ```
    /// A list replaces `base`'s as a whole. `Documentation/Behaviours/Configuration.md` has all keys with their defaults.
    ///
    /// - Parameters:
    ///   - document: at most 256 KiB of UTF-8.
    ///   - file: what errors call it.
    ///   - base: default what a mesh has that nobody has configured.
    /// - Throws: ``ConfigurationFileError`` with all that is wrong, each with its line, path and what was expected.
    public init(
        yaml document: [UInt8], file: String, over base: DynamicConfiguration = DynamicConfiguration()
    ) throws(ConfigurationFileError) {
        let problems = ProblemList()
        var configuration = base
        configuration.version = nil
        if let root = ConfigurationDocument.root(of: document, problems) {
            let root = Setting(node: root, path: "", problems: problems)
            configuration.read(root)
            if problems.problems.isEmpty { configuration.check(root) }
        }
        guard problems.problems.isEmpty else { throw ConfigurationFileError(file: file, problems: problems.inOrder) }
        configuration.version = configuration.version ?? Self.name(of: document)
        self = configuration
    }

    /// What a document is called that does not say: the beginning of its digest.
    private static func name(of document: [UInt8]) -> String {
        "sha256:\("\(SHA256Fingerprint(of: document))".prefix(12))"
    }

    private mutating func read(_ root: Setting) {
        var configuration = self
        let base = self
        root.mapping("a mapping of settings") { keys in
            keys.readOptional("version", &configuration.version) { $0.text() }
            keys.read("callTimeout", &configuration.callTimeout) { $0.duration() }
            keys.read("failfastTimeout", &configuration.failfastTimeout) { $0.duration() }
            keys.read("authorization", &configuration.authorization) { AuthorizationPolicy($0) }
            keys.read("routes", &configuration.routes) { RoutePolicy($0) }
            keys.read("rateLimits", &configuration.rateLimits) { base.rateLimits.overlaid($0) }
            keys.readOptional("concurrencyLimit", &configuration.concurrencyLimit) {
                ConcurrencyLimit($0, over: base.concurrencyLimit)
            }
            keys.read("admission", &configuration.admission) { AdmissionPolicy($0) }
            keys.read("retry", &configuration.retry) { base.retry.overlaid($0) }
            keys.read("balancing", &configuration.balancing) { base.balancing.overlaid($0) }
            keys.readOptional("failureAccrual", &configuration.failureAccrual) {
                (base.failureAccrual ?? FailureAccrualConfiguration()).overlaid($0)
            }
            keys.read("connectBackoff", &configuration.connectBackoff) { base.connectBackoff.overlaid($0) }
        }
        self = configuration
    }

    /// What is wrong with the whole although each setting is what it may be: a limit below its base, for example. Told
    /// where the part begins that it is about.
    private func check(_ root: Setting) {
        do throws(MeshError) {
            try validate()
        } catch {
            for problem in error.message.split(separator: "; ") {
                let name = String(problem.prefix { $0.isLetter })
                root.note("expected what may be in force: \(problem)", ofKey: name)
            }
        }
    }
}
