import Foundation
import ProcessKit
import Testing

@Suite("The launcher's children", .timeLimit(.minutes(1)))
struct ChildFamilyTests {
    /// Shells do not read it.
    private static let configuration = RoleConfiguration.coordinator(
        .init(trustDomain: "a", spiffeID: "b", serverCount: 0, slots: 1, certificateLifetimeSeconds: 1))

    @Test("a child that ends by itself ends the scope with an error that names it and says how")
    func unexpectedEnd() async throws {
        // The shell finds no script of that name.
        let error = await #expect(throws: LaunchError.self) {
            try await ChildFamily.with(executable: "/bin/sh", observer: { _, _ in }) { family in
                let child = try family.start("server 0", as: "/nowhere", Self.configuration)
                return try await child.answer { if case .ready(let ready) = $0 { ready } else { nil } }
            }
        }
        #expect(error?.message.hasPrefix("server 0 (process ") == true)
        #expect(error?.message.contains("exited with status") == true)
    }

    @Test("identities are those that children reported, each once, and only children that SIGKILL ended are killed")
    func outcome() async throws {
        let script = FileManager.default.temporaryDirectory.appendingPathComponent("digits-\(UUID().uuidString).sh")
        defer { try? FileManager.default.removeItem(at: script) }
        // A shell that reports itself as ready, and then waits for its end.
        let ready = RoleReport.ready(.init(spiffeID: "spiffe://a/worker/0"))
        let frame = try ControlFrameDecoder.frame(Array(try JSONEncoder().encode(ready)))
        let printed = frame.map { "\\" + String(Int($0) + 0o1000, radix: 8).dropFirst() }.joined()
        try Data("printf '\(printed)' >&3; exec sleep 600\n".utf8).write(to: script)

        try await ChildFamily.with(executable: "/bin/sh", observer: { _, _ in }) { family in
            #expect(family.identities.isEmpty && family.killedCount(role: script.path) == 0)
            for name in ["worker 0", "worker 1"] {
                let child = try family.start(name, as: script.path, Self.configuration)
                _ = try await child.answer { if case .ready(let ready) = $0 { ready } else { nil } }
                #expect(family.identities == ["spiffe://a/worker/0"])
                child.process.kill()
                #expect(await child.drained() == .killed(signal: 9))
            }
            #expect(family.killedCount(role: script.path) == 2)
            #expect(family.killedCount(role: "another role") == 0)
        }
    }

    @Test("a child that does not answer in time is named")
    func silent() async throws {
        // It follows its input, /dev/null, for ever, and knows nothing of the channel.
        let error = await #expect(throws: LaunchError.self) {
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
