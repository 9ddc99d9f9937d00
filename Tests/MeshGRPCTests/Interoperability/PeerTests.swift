import TestSupport
import Testing

/// What the tests with other programs stand on.
@Suite(.timeLimit(.minutes(5))) struct PeerTests {
    @Test("the end of a program is heard of, and all that it printed is there, however close to its end")
    func ends() async throws {
        for _ in 0..<100 {
            let ending = try await Peer("/bin/sh", ["-c", "head -c 200000 /dev/zero; exit 3"]).finish()
            #expect(ending.status == 3 && ending.printed.count == 200_000)
        }
    }

    @Test("a program that takes too long ends with what it has started, and the error says what it printed")
    func overdue() async throws {
        let peer = try Peer("/bin/sh", ["-c", "echo begun; sleep 600 & sleep 600"], limit: .milliseconds(300))
        #expect(try await peer.nextLine() == "begun")
        let failure = await #expect(throws: Peer.Failure.self) { try await peer.finish() }
        #expect(failure?.description.contains("begun") == true)
    }

    @Test("what a program leaves running does not keep its output open")
    func stragglers() async throws {
        let ending = try await Peer("/bin/sh", ["-c", "sleep 600 & echo done"]).finish()
        #expect(ending.status == 0 && ending.lines == ["done"])
    }
}
