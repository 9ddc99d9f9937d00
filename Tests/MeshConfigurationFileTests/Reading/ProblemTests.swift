import MeshConfigurationFile
import MeshTransport
import Testing

/// What is wrong is told with its place, and with what was expected.
@Suite struct ProblemTests {
    private func problems(_ text: String) -> [String] {
        do throws(ConfigurationFileError) {
            _ = try DynamicConfiguration(yaml: Array(text.utf8), file: "mesh.yaml")
            return []
        } catch {
            return error.problems.map { "\($0)" }
        }
    }

    /// What a time is to be, as problems have it.
    private static let time = "expected a time above zero such as 250ms, 2s or 1m30s,"

    @Test(
        "one mistake is told where it is",
        arguments: [
            ("callTimeout: 5", #"1:14: callTimeout: TIME found "5""#),
            ("callTimeout: 0s", #"1:14: callTimeout: TIME found "0s""#),
            ("callTimeout: 1s1m", #"1:14: callTimeout: TIME found "1s1m""#),
            ("callTimeout: 999999999h", #"1:14: callTimeout: TIME found "999999999h""#),
            ("callTimeout: \"5s\"", #"1:14: callTimeout: TIME found the text "5s""#),
            ("callTimeout:", "1:13: callTimeout: TIME found nothing"),
            ("callTimeout: [1s]", "1:14: callTimeout: TIME found a list"),
            (
                "callTimeout: !!int 5s",
                #"1:14: callTimeout: expected a value without a tag, found "tag:yaml.org,2002:int""#
            ),
            (
                "retrys:\n  jitter: 5%\n",
                "1:1: retrys: expected one of version, callTimeout, failfastTimeout, authorization, routes, rateLimits, "
                    + #"concurrencyLimit, admission, retry, balancing, failureAccrual, connectBackoff, found "retrys"; is retry meant?"#
            ),
            (
                "retry:\n  maximumAttempt: 2\n",
                "2:3: retry.maximumAttempt: expected one of maximumAttempts, attemptTimeout, backoffBase, backoffLimit, "
                    + #"jitter, statuses, budget, hedging, found "maximumAttempt"; is maximumAttempts meant?"#
            ),
            (
                "retry: {jitter: 101%}",
                #"1:17: retry.jitter: expected a share such as 25% or 0.25, of 0 to 1, found "101%""#
            ),
            (
                "retry: {jitter: nan}",
                #"1:17: retry.jitter: expected a share such as 25% or 0.25, of 0 to 1, found "nan""#
            ),
            (
                "retry: {statuses: [unavailabel]}",
                #"1:20: retry.statuses[0]: expected a status other than ok, found "unavailabel"; is unavailable meant?"#
            ),
            ("retry: {statuses: [ok]}", #"1:20: retry.statuses[0]: expected a status other than ok, found "ok""#),
            (
                "admission: [{name: a, limit: 0}]",
                #"1:30: admission[0].limit: expected a whole number of 1 or more, found "0""#
            ),
            (
                "admission:\n  - name: a\n",
                "2:5: admission[0]: expected limit: a number of calls, or a mapping for one that follows latency"
            ),
            (
                "admission: [{name: a, limit: 5, queue: -1}]",
                #"1:40: admission[0].queue: expected a whole number of 0 or more, found "-1""#
            ),
            (
                "admission: [{name: a, limit: {least: 3, mots: 9}}]",
                #"1:41: admission[0].limit.mots: expected one of least, most, measuring, measurements, measuringTime, "#
                    + #"interval, window, allowance, found "mots""#
            ),
            ("retry: none", #"1:8: retry: expected a mapping, found "none""#),
            (
                "balancing: {policy: p2c}",
                #"1:21: balancing.policy: expected one of peakEWMA, leastRequest, roundRobin, random, consistentHash, found "p2c""#
            ),
            ("balancing: {subset: {}}", "1:21: balancing.subset: expected size: a whole number of 1 or more"),
            ("routes: {}", "1:9: routes: expected a list of routes, found a mapping"),
            ("routes: [{}]", "1:10: routes[0]: expected name: a text"),
            (
                "routes:\n- name: a\n  backends:\n  - service: x\n  - service: y\n    weight: many\n",
                #"6:13: routes[0].backends[1].weight: expected a whole number of 0 to 1000000, found "many""#
            ),
            (
                "routes: [{name: a, backends: [{service: x, weight: 0}]}]",
                "1:30: routes[0].backends: expected a backend with a weight above 0"
            ),
            (
                "routes: [{name: a, backends: [{}]}]",
                "1:31: routes[0].backends[0]: expected a service or an endpoint, found neither"
            ),
            (
                "routes: [{name: a, backends: [{endpoint: 'h:1'}]}]",
                "1:31: routes[0].backends[0]: expected identities: who may answer at h:1"
            ),
            (
                "routes: [{name: a, methods: [x]}]",
                #"1:30: routes[0].methods[0]: expected Service/Method, Service/*, an HTTP path or '*', found "x""#
            ),
            ("routes: [{name: a}, {name: a}]", #"1:9: routes: expected each name once, found another called "a""#),
            (
                "routes: [{name: a, metadata: [{key: k, exact: x, present: true}]}]",
                "1:31: routes[0].metadata[0]: expected one of exact, prefix and present, found 2"
            ),
            ("authorization: {mode: enforce}", "1:16: authorization: expected rules: a list of rules"),
            (
                "authorization: {rules: [{name: a, methods: ['*']}]}",
                "1:25: authorization.rules[0]: expected identities, or callersWithoutIdentity: true"
            ),
            (
                "rateLimits: {rules: [{name: a, total: 0}]}",
                #"1:39: rateLimits.rules[0].total: expected calls a second, above 0 and at most 1000000000, or perSecond and burst, found "0""#
            ),
            (
                "connectBackoff: {base: 2s, limit: 1s}",
                "1:1: connectBackoff: expected what may be in force: connectBackoff.limit must be at least base, is 1.0 seconds"
            ),
            ("a: [", "2:1: expected YAML, while parsing a flow node did not find expected node content"),
            ("a: 1\na: 2\n", #"1:1: expected each key once, found more of "a""#),
            (
                "authorization: {rules: [{name: a, methods: [b/c], callersWithoutIdentity: true, networks: []}]}",
                "1:91: authorization.rules[0].networks: expected at least one network: any is meant where there is no such key"
            ),
            ("a: *b", "1:4: expected no alias, found what may be one: a text that begins so stands in quotes"),
            (
                "{}\n---\n{}\n",
                "2:1: expected YAML, expected a single document in the stream but found another document"
            ),
            ("", "1:1: expected a mapping of settings, found nothing"),
            ("- a", "1:1: expected a mapping of settings, found a list"),
            (
                "retry: {\"a\\nb\": 1}",
                #"1:9: retry."a\nb": expected one of maximumAttempts, attemptTimeout, backoffBase, backoffLimit, "#
                    + #"jitter, statuses, budget, hedging, found "a\nb""#
            ),
        ] as [(String, String)])
    func one(text: String, problem: String) {
        #expect(problems(text) == [problem.replacing("TIME", with: Self.time)])
    }

    @Test(
        "a key that is not merely seen is escaped wherever it is told of",
        arguments: [
            (#"\e[31m"#, #""\u{1B}[31m""#), (#"\x9B31m"#, #""\u{9B}31m""#), (#"\u202Edrac"#, #""\u{202E}drac""#),
            (#"a\r\nb"#, #""a\r\nb""#), (#"\u2028"#, #""\u{2028}""#), ("größe", #""größe""#), ("a b", #""a b""#),
        ] as [(String, String)])
    func keys(written: String, shown: String) {
        let texts = [
            "\"\(written)\": 1", "retry: {\"\(written)\": 1}",
            "authorization: {rules: [{name: a, methods: ['*'], identities: ['spiffe://a/*'], claims: {\"\(written)\": 1}}]}",
        ]
        for text in texts {
            let found = problems(text)
            #expect(found.count == 1, "\(found)")
            #expect(found.allSatisfy { $0.contains(shown) }, "\(found)")
            let isPlain = found.allSatisfy { problem in
                problem.unicodeScalars.allSatisfy { $0.value >= 0x20 && ![0x9B, 0x202E, 0x2028].contains($0.value) }
            }
            #expect(isPlain, "\(found)")
        }
    }

    @Test("all that is wrong is told at once, in the order of the lines")
    func all() {
        let text = """
            callTimeout: soon
            retry:
              jitter: 200%
              speed: 3
            routes:
              - name: a
                timeout: -1s
                backends: [{service: x, wieght: 1}]
              - methods: []
            """
        #expect(
            problems(text).map { $0.split(separator: ": ").prefix(2).joined(separator: " ") } == [
                "1:14 callTimeout", "3:11 retry.jitter", "4:3 retry.speed", "7:14 routes[0].timeout",
                "8:29 routes[0].backends[0].wieght", "9:5 routes[1]", "9:14 routes[1].methods",
            ])
    }

    @Test("no more than a hundred problems are told, and one line of a log holds them")
    func many() throws {
        let text = (0..<500).map { "key\($0): 1\n" }.joined()
        #expect(problems(text).count == ConfigurationFileError.mostProblems)
        let error = #expect(throws: ConfigurationFileError.self) { () throws in
            _ = try DynamicConfiguration(yaml: Array("a: \"\\n\\e\"\nb: 1\n".utf8), file: "mesh.yaml")
        }
        #expect(error?.description.hasPrefix("mesh.yaml:1:1: a: expected one of version") == true)
        #expect(error?.description.contains("\n") == false)
    }

    @Test("what a file does not say is as it was, and a version that it does not say is its digest")
    func base() throws {
        var base = DynamicConfiguration()
        base.retry.maximumAttempts = 7
        base.failureAccrual = nil
        base.version = "host"
        let read = try DynamicConfiguration(yaml: Array("retry: {jitter: 0%}\n".utf8), file: "f", over: base)
        #expect(read.retry.maximumAttempts == 7 && read.retry.jitter == 0)
        #expect(read.failureAccrual == nil)
        #expect(read.version?.hasPrefix("sha256:") == true)
        let other = try DynamicConfiguration(yaml: Array("failureAccrual: {jitter: 0%}\n".utf8), file: "f", over: base)
        #expect(other.failureAccrual?.jitter == 0 && other.failureAccrual?.consecutiveFailures == 7)
        #expect(other.version != read.version)
    }
}
