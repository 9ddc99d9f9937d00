import MeshConfigurationFile
import MeshTransport

/// What says how a mesh is to go on.
enum ConfigurationFiles {
    /// A file: what is taken may be in force, and what is not is told where it is wrong.
    static func read(_ bytes: [UInt8]) {
        do throws(ConfigurationFileError) {
            let configuration = try DynamicConfiguration(yaml: bytes, file: "mesh.yaml")
            precondition((try? configuration.validate()) != nil)
            precondition(configuration.version?.isEmpty == false)
        } catch {
            precondition((1...ConfigurationFileError.mostProblems).contains(error.problems.count))
            for problem in error.problems {
                precondition(problem.line >= 1 && problem.column >= 1 && !problem.message.isEmpty)
            }
            precondition(!error.description.contains("\n"))
        }
    }

    static func seeds() -> [[UInt8]] {
        [
            """
            version: a
            callTimeout: 1m30s
            authorization:
              mode: audit
              rules:
                - {name: a, methods: ["*"], identities: &i ["spiffe://d/*"], claims: {team: [red]}, networks: [10.0.0.0/8]}
            routes:
              - name: canary
                metadata: [{key: k, present: true}]
                backends: [{service: a, weight: 95, identities: *i}, {endpoint: "[fd00::2]:7000", identities: *i}]
                mirror: {service: b, share: 1%}
                faults: {delay: 100ms, delayShare: 0.5%, abort: unavailable}
            """,
            """
            rateLimits: {identities: 10, rules: [{name: a, total: 5, perIdentity: {perSecond: 0.5, burst: 2}}]}
            concurrencyLimit: {least: 3, most: 10}
            retry: {budget: none, statuses: [unavailable], jitter: 50%}
            balancing: {policy: roundRobin, subset: {size: 2, seed: 1}, zonePreference: {zone: a}}
            failureAccrual: {successRate: {threshold: 80%}}
            connectBackoff: {base: 1s}
            """,
            "retry:\n  speed: 3\n  jitter: \"5%\"\ncallTimeout: ~\n",
            "x: &x [a, *y]\ny: |\n  text\n  more\n? [a]\n: b\n",
            "a: !!binary |\n  aGVsbG8=\n%YAML 1.1\n---\n{}\n",
        ].map { Array($0.utf8) }
    }
}
