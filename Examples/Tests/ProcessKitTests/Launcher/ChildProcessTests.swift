import ProcessKit
import Testing

/// With a shell as the child: what stands at descriptor 3, and how it ends, are then the launcher's doing alone.
@Suite("Child processes", .timeLimit(.minutes(1)))
struct ChildProcessTests {
    private static func shell(_ script: String) throws -> ChildProcess {
        try ChildProcess(name: "shell", executable: "/bin/sh", arguments: ["-c", script])
    }

    /// The bytes of a report as a `printf` format for the shell.
    private static func printed(_ body: String) throws -> String {
        try ControlFrameDecoder.frame(Array(body.utf8)).map { byte in
            let octal = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - octal.count) + octal
        }.joined()
    }

    @Test("reports come through descriptor 3, in order, then the end and the exit status")
    func reports() async throws {
        let note = try Self.printed(#"{"note":{"_0":"one"}}"#)
        let failure = try Self.printed(#"{"failed":{"_0":"two"}}"#)
        let child = try Self.shell("printf '\(note)\(failure)' >&3; exit 7")
        #expect(try await child.control.receive() == .note("one"))
        #expect(try await child.control.receive() == .failed("two"))
        #expect(try await child.control.receive() == nil)
        #expect(await child.waitForEnd() == .exited(7))
    }

    @Test("what a child wrote before it was killed is still read")
    func killed() async throws {
        let note = try Self.printed(#"{"note":{"_0":"last words"}}"#)
        let child = try Self.shell("printf '\(note)' >&3; printf '\(note)' >&3; exec sleep 60")
        #expect(try await child.control.receive() == .note("last words"))
        child.kill()
        #expect(await child.waitForEnd() == .killed(signal: 9))
        // The second note may or may not have been written; nothing else is there, and the end is reached.
        while let report = try await child.control.receive() { #expect(report == .note("last words")) }
    }

    @Test("a child reads the launcher's messages, and its input ends with the launcher's channel")
    func endOfChannel() async throws {
        let child = try Self.shell("cat <&3 >/dev/null; exit 4")
        try child.control.send(.stop)
        child.control.close()
        #expect(await child.waitForEnd() == .exited(4))
    }

    @Test("a message cut short by the child's end is an error, not a message")
    func cutShort() async throws {
        let child = try Self.shell("printf '\\000\\000\\000\\020half' >&3")
        let error = await #expect(throws: ControlError.self) { try await child.control.receive() }
        #expect(error?.description.contains("cut short") == true)
        _ = await child.waitForEnd()
    }

    @Test("sending to a child that is gone is an error, not a signal")
    func gone() async throws {
        let child = try Self.shell("exit 0")
        #expect(await child.waitForEnd() == .exited(0))
        // Between its fork and its exec, the child of a test that runs beside has this one's descriptors as well.
        var error: ControlError?
        for _ in 0..<10_000 where error == nil {
            do throws(ControlError) {
                try child.control.send(.stop)
                await Task.yield()
            } catch let failure {
                error = failure
            }
        }
        #expect(error == .closed)
    }

    @Test("a child inherits the standard descriptors and its control channel, and nothing of another child")
    func descriptors() async throws {
        let sibling = try Self.shell("cat <&3 >/dev/null")
        // The shell lists its own descriptors: all but the standard ones, 3, and those that the listing itself opens.
        let child = try Self.shell(
            "for number in 4 5 6 7 8 9; do if { true >&$number; } 2>/dev/null; then exit $number; fi; done; exit 0")
        #expect(await child.waitForEnd() == .exited(0))
        sibling.control.close()
        #expect(await sibling.waitForEnd() == .exited(0))
    }

    @Test("an executable that is not there is an error that names it")
    func missing() {
        let error = #expect(throws: ControlError.self) {
            try ChildProcess(name: "nobody", executable: "/nowhere/digits", arguments: [])
        }
        #expect(error?.description.contains("/nowhere/digits") == true)
    }
}
