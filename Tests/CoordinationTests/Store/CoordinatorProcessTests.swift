import Coordination
import Foundation
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import TestSupport
import Testing

/// A coordinator in a process of its own, over TLS and on the system's disk, that SIGKILL ends at any moment.
@Suite(.timeLimit(.minutes(5))) struct CoordinatorProcessTests {
    /// What a life of the coordinator wrote down: what it found, and what it answered.
    private struct Printed {
        var found: PartitionMap?
        var foundFence: SessionFence?
        /// The last map that a client was given, if one was.
        var map: PartitionMap?
        var opened: [SessionFence.Entry] = []
        var closed: [SessionFence.Entry] = []

        init(_ output: [UInt8]) throws {
            // What stands after the last line feed was being written.
            let lines = String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            for line in lines.dropLast() {
                let words = line.split(separator: " ")
                guard words.count == 3, words[0] == "coordinator" else { continue }
                let bytes = Array(try #require(Data(base64Encoded: String(words[2]))))
                switch words[1] {
                case "found": found = try PartitionMap(messageBytes: bytes)
                case "found-fence": foundFence = try SessionFence(messageBytes: bytes)
                case "map": map = try PartitionMap(messageBytes: bytes)
                case "opened": opened.append(try SessionFence.Entry(messageBytes: bytes))
                case "closed": closed.append(try SessionFence.Entry(messageBytes: bytes))
                default: break
                }
            }
        }
    }

    @Test("whatever a coordinator has answered is so when it begins again after SIGKILL")
    func killed() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("coordination").path
        var known = PartitionMap()
        var opened: [SessionFence.Entry] = []
        var closed: Set<SessionID> = []
        var lives = 0
        for seed in 1...16 as ClosedRange<UInt64> {
            // A file: a pipe that nobody reads meanwhile would hold the process up.
            let answers = folder.file("answers-\(seed)")
            #expect(FileManager.default.createFile(atPath: answers.path, contents: nil))
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, answers = answers.path as String, seed = seed as UInt64] in
                try await CoordinatorLife.run(path, answers, seed)
            }
            let printed = try Printed(Array(try Data(contentsOf: answers)))
            guard let found = printed.found, let fence = printed.foundFence else { continue }
            lives += 1
            // Tables that were declared have the numbers that they had, whichever life declared them.
            for table in known.tables {
                let now = try #require(found.table(named: table.name), "life \(seed): \(table.name)")
                #expect(now.declaration == table.declaration, "life \(seed)")
                #expect(now.partitions.map(\.id) == table.partitions.map(\.id), "life \(seed)")
                for (new, old) in zip(now.partitions, table.partitions) {
                    #expect(new.epoch >= old.epoch && new.head == old.head, "life \(seed)")
                }
            }
            #expect(found.version >= known.version, "life \(seed)")
            let numbers = found.tables.flatMap(\.partitions).map(\.id)
            #expect(Set(numbers).count == numbers.count, "life \(seed)")
            for entry in opened {
                let newest = try #require(fence.entry(for: entry.slot), "life \(seed)")
                #expect(newest.session >= entry.session, "life \(seed): slot \(entry.slot)")
                if newest.session == entry.session, closed.contains(entry.session) {
                    #expect(newest.hasEnded, "life \(seed): slot \(entry.slot)")
                }
            }
            // A session of this life is newer than every one before it.
            if let newest = opened.map(\.session).max() {
                #expect(printed.opened.allSatisfy { $0.session > newest }, "life \(seed)")
            }
            known = printed.map ?? found
            opened += printed.opened
            closed.formUnion(printed.closed.map(\.session))
        }
        #expect(lives >= 8)
        #expect(opened.count >= 8 && !closed.isEmpty && !known.tables.isEmpty)
    }
}

/// What the process does until it is killed.
private enum CoordinatorLife {
    static func run(_ path: String, _ answersPath: String, _ seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let runtime = SystemRuntime.shared
        let authority = try TestAuthority(runtime: runtime)
        let mesh = try mesh("/coordinator", authority)
        // A moment of the opening, or one after some answers, however fast the machine is.
        let answers = Int.random(in: 0...3, using: &generator) == 0 ? 0 : Int.random(in: 1...60, using: &generator)
        let delay = Int.random(in: 0...3_000, using: &generator)
        let output = try Output(answersPath, killsAfter: answers, microseconds: delay)
        // Compacted all the time, so that many a kill comes while it is.
        let store = EmbeddedStore(
            folder: path, runtime: runtime, timeout: .seconds(60), compactionBytes: 4_000, logger: TestLog.silent)
        var configuration = CoordinatorConfiguration()
        // The server that registers does not answer.
        configuration.fenceTimeout = .milliseconds(1)
        let coordinator = try await Coordinator(
            on: mesh, configuration: configuration, store: store, logger: TestLog.silent)
        output.print("found", coordinator.map)
        output.print("found-fence", coordinator.fence)
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        let destination = try Destination(
            host: address.host, port: address.port, identities: [.exact(authority.id("/coordinator"))])
        try await withThrowingTaskGroup { group in
            for slot in 0..<3 {
                let client = CoordinationClient(try Self.mesh("/worker/\(slot)", authority), coordinator: destination)
                let owner = try authority.id("/worker/\(slot)")
                group.addTask {
                    while true {
                        let session = try await client.openSession(slot: slot)
                        let entry = SessionFence.Entry(slot: slot, session: session.id, owner: owner)
                        output.print("opened", entry)
                        if session.id.low % 2 == 0 {
                            try await client.close(session)
                            output.print("closed", entry)
                        }
                    }
                }
            }
            let client = CoordinationClient(try Self.mesh("/server/a", authority), coordinator: destination)
            group.addTask {
                for number in 0... {
                    _ = try await client.registerServer(named: "a", at: address, life: UInt64(number))
                    let table = TableRequest(
                        name: "\(seed)-\(number)", declaration: [1], partitionByteCounts: [UInt64(number) + 1, 5])
                    output.print("map", try await client.declare([table]))
                }
            }
            try await group.waitForAll()
        }
    }

    private static func mesh(_ path: String, _ authority: TestAuthority) throws -> Mesh {
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
        ])
        return try Mesh(
            identity: authority.identity(path), policy: policy, runtime: SystemRuntime.shared, logger: TestLog.silent)
    }
}

/// Writes answers to a file, and kills the process some time after one of them. Guarded by a mutex.
private final class Output: Sendable {
    private let left: Mutex<Int>
    private let microseconds: Int
    private let file: FileHandle

    /// - Parameter answers: 0 to be killed from now on.
    init(_ path: String, killsAfter answers: Int, microseconds: Int) throws {
        file = try FileHandle(forWritingTo: URL(filePath: path))
        left = Mutex(answers)
        self.microseconds = microseconds
        if answers == 0 { killSoon() }
    }

    /// Writes a line in one piece; SIGKILL takes nothing of it away.
    func print(_ name: String, _ message: some MeshMessage) {
        let line = "coordinator \(name) \(Data(message.messageBytes()).base64EncodedString())\n"
        let isLast = left.withLock { left in
            file.write(Data(line.utf8))
            left -= 1
            return left == 0
        }
        if isLast { killSoon() }
    }

    private func killSoon() {
        DispatchQueue.global().asyncAfter(deadline: .now() + .microseconds(microseconds)) { kill(getpid(), SIGKILL) }
    }
}
