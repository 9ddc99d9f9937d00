import DigitsKit
import Testing

@Suite("The launcher's children", .timeLimit(.minutes(1)))
struct ChildFamilyTests {
    /// Shells do not read it.
    private static let configuration = RoleConfiguration.coordinator(
        .init(trustDomain: "a", spiffeID: "b", servers: [], slots: 1, certificateLifetimeSeconds: 1))

    @Test("a child that ends by itself ends the scope with an error that names it and says how")
    func unexpectedEnd() async throws {
        // The shell finds no script of that name.
        let error = await #expect(throws: DigitsError.self) {
            try await ChildFamily.with(executable: "/bin/sh", observer: { _, _ in }) { family in
                let child = try family.start("server 0", as: "/nowhere", Self.configuration)
                return try await child.answer { if case .ready(let ready) = $0 { ready } else { nil } }
            }
        }
        #expect(error?.message.hasPrefix("server 0 (process ") == true)
        #expect(error?.message.contains("exited with status") == true)
    }

    @Test("a child that does not answer in time is named")
    func silent() async throws {
        // It follows its input, /dev/null, for ever, and knows nothing of the channel.
        let error = await #expect(throws: DigitsError.self) {
            try await ChildFamily.with(executable: "/usr/bin/tail", observer: { _, _ in }) { family in
                let child = try family.start("worker 0", as: "--follow", Self.configuration)
                return try await child.answer(within: .milliseconds(50)) {
                    if case .ready(let ready) = $0 { ready } else { nil }
                }
            }
        }
        #expect(error?.message.hasPrefix("worker 0 did not answer") == true)
    }
}
