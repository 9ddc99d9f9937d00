import Coordination
import Identity
import Testing

@Suite struct TablePolicyTests {
    private static func id(_ path: String) throws -> SPIFFEID { try SPIFFEID(parsing: "spiffe://test.example\(path)") }

    private static func policy() throws -> TablePolicy {
        try TablePolicy(rules: [
            .init(
                "workers", tables: ["model/*", "bias"], verbs: [.pull, .push],
                identities: ["spiffe://test.example/worker/*"]),
            .init("readers", tables: ["*"], verbs: [.pull], identities: ["spiffe://test.example/reader"]),
        ])
    }

    @Test(
        "a rule allows its verbs on its tables to its identities, and nothing else",
        arguments: [
            ("/worker/0", TablePolicy.Verb.push, "model/weight", true), ("/worker/0", .push, "bias", true),
            ("/worker/0", .push, "model/", true), ("/worker/0", .push, "model", false),
            ("/worker/0", .push, "bias2", false), ("/worker/0", .declare, "bias", false),
            ("/worker/0", .audit, "bias", false), ("/worker", .push, "bias", false),
            ("/reader", .pull, "anything", true), ("/reader", .push, "bias", false), ("/nobody", .pull, "bias", false),
        ])
    func decisions(path: String, verb: TablePolicy.Verb, table: String, isAllowed: Bool) throws {
        #expect(try Self.policy().allows(verb, table: table, peer: Self.id(path)) == isAllowed)
    }

    @Test(
        "a rule for calls allows the functions that it names",
        arguments: [
            ("clip", true), ("row-norm", true), ("row-", true), ("row", false), ("clip2", false), (nil, false),
        ] as [(String?, Bool)])
    func functions(function: String?, isAllowed: Bool) throws {
        let policy = try TablePolicy(rules: [
            .init(
                "some", tables: ["bias"], verbs: [.call], functions: ["clip", "row-*"],
                identities: ["spiffe://test.example/worker"]),
            .init("all", tables: ["bias"], verbs: [.call], identities: ["spiffe://test.example/operator"]),
        ])
        let worker = try Self.id("/worker")
        #expect(policy.allows(.call, table: "bias", function: function, peer: worker) == isAllowed)
        #expect(!policy.allows(.call, table: "other", function: function, peer: worker))
        #expect(policy.allows(.call, table: "bias", function: function, peer: try Self.id("/operator")))
        #expect(!policy.allows(.push, table: "bias", peer: worker))
    }

    @Test("a caller without identity is allowed nothing by rules, and everything where there are none to ask")
    func withoutIdentity() throws {
        for verb in TablePolicy.Verb.allCases {
            #expect(try !Self.policy().allows(verb, table: "bias", peer: nil))
            #expect(TablePolicy.unrestricted.allows(verb, table: "bias", peer: nil))
            #expect(try !TablePolicy(rules: []).allows(verb, table: "bias", peer: Self.id("/reader")))
        }
    }

    @Test("every problem of every rule is told at once")
    func problems() {
        let error = #expect(throws: CoordinationError.self) {
            _ = try TablePolicy(rules: [
                .init("one", tables: ["a*b"], verbs: [], identities: ["test.example"]),
                .init("one", tables: [], verbs: [.pull], identities: []),
                .init("two", tables: ["*"], verbs: [.call], functions: [], identities: ["spiffe://test.example/*"]),
                .init(
                    "three", tables: ["*"], verbs: [.call], functions: ["c*d"], identities: ["spiffe://test.example/*"]),
            ])
        }
        #expect(error?.code == .invalidConfiguration)
        for problem in [
            "a*b", "at least one verb", "test.example", "at least one table", "at least one identity", "is taken",
            "at least one function", "c*d",
        ] {
            #expect(error?.message.contains(problem) == true, "\(problem): \(String(describing: error))")
        }
    }
}
