import Identity
import MeshTransport
import MeshWire
import NIOCore
import Optimizers
import Tensor
import Testing

@testable import Coordination
@testable import ParameterServer

/// `Protos/meshwork/coordination.proto` and `parameters.proto` say what the services answer, and nothing else.
@Suite struct PublishedMessagesTests {
    /// A message with every field set, and how it looks to a program that goes by the published files.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        /// How many stored properties the Swift type has: one more is one more to publish.
        let properties: Int
        let actualProperties: Int
        let bytes: ByteBuffer
        /// The bytes again, after Swift has read and written them.
        let rewritten: @Sendable () throws -> ByteBuffer

        init<Message: MeshMessage>(_ name: String, _ message: Message, properties: Int, _ text: String) {
            self.name = name
            self.text = text
            self.properties = properties
            actualProperties = Mirror(reflecting: message).children.count
            let bytes = Self.bytes(of: message)
            self.bytes = bytes
            rewritten = { Self.bytes(of: try Payload(head: bytes).decode(as: Message.self)) }
        }

        /// As gRPC carries it: segments are fields.
        private static func bytes(of message: some MeshMessage) -> ByteBuffer {
            let payload = Payload(message)
            var bytes = payload.head
            for field in payload.segments {
                field.writeInlinePrefix(to: &bytes)
                field.segment.write(0..<field.segment.count, to: &bytes)
            }
            return bytes
        }

        var testDescription: String { name }
    }

    static func cases() throws -> [Case] {
        let session = SessionID(high: 0x1F, low: .max)
        let version = PartitionVersion(epoch: 3, applied: .max)
        let (id, owner) = (PartitionID(rawValue: 9), Example.worker)
        var sequences = SequenceSet(through: 4)
        sequences.insert(6)
        let gradient = Segment(copying: [0, 0, 0x80, 0x3F])
        let keys = Segment(copying: [7, 0, 0, 0, 0, 0, 0, 1])
        var reply = PushReply(
            partition: id, outcome: .refused(.nonFinite, "element 1"), version: version, staleness: .max)
        reply.isReplay = true
        reply.standing = sequences
        var pull = PullResponse(versions: [version], parameters: [gradient])
        pull.rounds = [7]
        reply.clock = 11
        reply.answer = [0x18, 0x2A]
        var answered = PushReply(partition: id, outcome: .applied, version: version)
        answered.answer = [0x18, 0x2A]
        let skipped = PushReply(partition: id, outcome: .skipped("element 1"), version: version)
        var entry = PushRequest.Entry(partition: id, increment: 1, basis: version, round: 6)
        var halves = PullRequest.Entry(
            partition: id, minimum: version, round: 6, isCommitted: true, snapshot: 0xAB)
        halves.encoding = 1
        entry.clock = 12
        entry.encoding = 3
        var deduplication = Deduplication(
            session: session, entries: [.init(scope: 9, sequence: .max, acknowledgedThrough: 1)])
        deduplication.firstInstance = InstanceID(high: 0xA, low: 0xB)
        return [
            Case(
                "OpenSessionRequest", OpenSession(slot: 2, request: 0xAB), properties: 2,
                "slot_plus_one: 3, request: ab"),
            Case(
                "OpenedSession",
                OpenedSession(
                    session: session, slot: 2, lease: .seconds(15), membershipEpoch: .max, predecessor: session,
                    applied: [AppliedPushes(partition: id, sequences: sequences)], unknown: [id]), properties: 7,
                "session: {high: 1f, low: ffffffffffffffff}, slot: 2, lease_microseconds: 15000000, "
                    + "membership_epoch: 18446744073709551615, predecessor: {high: 1f, low: ffffffffffffffff}, "
                    + "applied: {partition: 9, sequences: {bounds: [1, 4, 6, 6]}}, unknown: [9]"),
            Case(
                "HeldSession", HeldSession(session: session, slot: 2), properties: 2,
                "session: {high: 1f, low: ffffffffffffffff}, slot: 2"),
            Case(
                "RenewedSession", RenewedSession(lease: .seconds(1), membershipEpoch: 7), properties: 2,
                "lease_microseconds: 1000000, membership_epoch: 7"),
            Case(
                "TableRequests",
                TableRequests([TableRequest(name: "w", declaration: [0xFF, 1], partitionByteCounts: [8, 4])]),
                properties: 1, "tables: {name: \"w\", declaration: <ff 1>, partition_byte_counts: [8, 4]}"),
            Case(
                "TableRequest", TableRequest(name: "w", declaration: [0xFF, 1], partitionByteCounts: [8], replicas: 2),
                properties: 4, "name: \"w\", declaration: <ff 1>, partition_byte_counts: [8], replicas: 2"),
            Case("ServerLife", ServerLife(name: "s", life: .max), properties: 2, "name: \"s\", life: ffffffffffffffff"),
            Case(
                "PartitionMap",
                PartitionMap(
                    version: 5,
                    servers: [ServerRecord(name: "s", host: "h", port: 80, identity: owner, life: .max)],
                    tables: [
                        .init(
                            name: "w", declaration: [0xFF],
                            partitions: [.init(id: id, head: "s", epoch: 3, byteCount: .max)])
                    ], lost: ["t"]), properties: 5,
                "version: 5, servers: {name: \"s\", host: \"h\", port: 80, identity: \"\(owner)\", "
                    + "life: ffffffffffffffff}, tables: {name: \"w\", declaration: <ff>, partitions: {id: 9, "
                    + "head: \"s\", epoch: 3, byte_count: 18446744073709551615, intact_since: 1, head_since: 1}}, lost: \"t\""
            ),
            Case(
                "DeclaredTables", DeclaredTables(mapVersion: .max), properties: 1, "map_version: 18446744073709551615"),
            Case(
                "MapStep", step(partition: id, of: owner), properties: 2,
                "version: 5, servers: {name: \"s\", host: \"h\", port: 80, identity: \"\(owner)\", life: 1}, "
                    + "tables: {name: \"w\", declaration: <1>}, lost: \"t\", partitions: {id: 9, head: \"s\", "
                    + "epoch: 3, byte_count: 4, intact_since: 1, head_since: 1}, base: 4, part: 2, is_continued: true"),
            Case(
                "ServerRecord",
                ServerRecord(
                    name: "s", host: "h", port: 80, identity: owner, life: 1, functions: ["clip@1", "norm@2"]),
                properties: 6,
                "name: \"s\", host: \"h\", port: 80, identity: \"\(owner)\", life: 1, functions: \"clip@1\", "
                    + "functions: \"norm@2\""),
            Case(
                "Table", PartitionMap.Table(name: "w", declaration: [1], partitions: [], replicas: 2),
                properties: 4, "name: \"w\", declaration: <1>, replicas: 2"),
            Case(
                "Partition",
                PartitionMap.Partition(
                    id: id, head: "s", epoch: 3, intactSince: 2, byteCount: 4, followers: ["t", "u"], joining: "v",
                    headSince: 3),
                properties: 8,
                "id: 9, head: \"s\", epoch: 3, byte_count: 4, intact_since: 2, followers: \"t\", followers: \"u\", "
                    + "joining: \"v\", head_since: 3"),
            Case(
                "SessionFence",
                SessionFence([SessionFence.Entry(slot: 2, session: session, owner: owner, hasEnded: true)]),
                properties: 1,
                "entries: {slot: 2, session: {high: 1f, low: ffffffffffffffff}, owner: \"\(owner)\", has_ended: true}"),
            Case(
                "SessionFence.Entry", SessionFence.Entry(slot: 2, session: session, owner: owner), properties: 4,
                "slot: 2, session: {high: 1f, low: ffffffffffffffff}, owner: \"\(owner)\""),
            Case(
                "Deduplication", deduplication, properties: 3,
                "high: 1f, low: ffffffffffffffff, entries: {scope: 9, sequence: 18446744073709551615, "
                    + "acknowledged_through: 1}, first_instance_high: a, first_instance_low: b"),
            Case(
                "Deduplication.Entry", deduplication.entries[0], properties: 3,
                "scope: 9, sequence: 18446744073709551615, acknowledged_through: 1"),
            Case(
                "PushRequest",
                PushRequest(
                    slot: 2, entries: [.init(partition: id, increment: -1, basis: version)], gradients: [gradient],
                    keys: [keys]),
                properties: 4,
                "slot: 2, entries: {partition: 9, increment: -1, basis: {epoch: 3, applied: 18446744073709551615}}, "
                    + "gradients: <0 0 80 3f>, keys: <7 0 0 0 0 0 0 1>"),
            Case(
                "PushRequest.Entry", entry, properties: 6,
                "partition: 9, increment: 1, basis: {epoch: 3, applied: 18446744073709551615}, round: 6, clock: 12, "
                    + "encoding: 3"),
            Case(
                "CallRequest",
                CallRequest(
                    slot: 2, function: FunctionID(name: "clip", version: 3),
                    entries: [.init(partition: id, increment: 1, basis: version)], argument: Segment(copying: [0x0A]),
                    keys: [keys]),
                properties: 5,
                "slot: 2, function: {name: \"clip\", version: 3}, entries: {partition: 9, increment: 1, "
                    + "basis: {epoch: 3, applied: 18446744073709551615}}, argument: <a>, keys: <7 0 0 0 0 0 0 1>"),
            Case(
                "FunctionReference", FunctionID(name: "clip", version: 3), properties: 2, "name: \"clip\", version: 3"),
            Case(
                "CallResponse", CallResponse([answered]), properties: 2,
                "replies: {partition: 9, version: {epoch: 3, applied: 18446744073709551615}, durability: 1}, "
                    + "answers: <18 2a>"),
            Case(
                "QueryRequest",
                QueryRequest(
                    function: FunctionID(name: "norm", version: 1),
                    entries: [.init(partition: id, minimum: version, isCommitted: true)],
                    argument: Segment(copying: [0x0A]), keys: [keys]),
                properties: 4,
                "function: {name: \"norm\", version: 1}, entries: {partition: 9, minimum: {epoch: 3, "
                    + "applied: 18446744073709551615}, is_committed: true}, argument: <a>, keys: <7 0 0 0 0 0 0 1>"),
            Case(
                "QueryRequest.Entry", QueryRequest.Entry(partition: id, minimum: version, isCommitted: true),
                properties: 3,
                "partition: 9, minimum: {epoch: 3, applied: 18446744073709551615}, is_committed: true"),
            Case(
                "QueryResponse", QueryResponse(versions: [version], answers: [Segment(copying: [0x0A])]), properties: 2,
                "versions: {epoch: 3, applied: 18446744073709551615}, answers: <a>"),
            Case(
                "TickRequest",
                TickRequest(session: session, tick: ClockTick(slot: 2, clock: 7), partitions: [id]), properties: 3,
                "session: {high: 1f, low: ffffffffffffffff}, tick: {slot: 2, clock: 7}, partitions: [9]"),
            Case("ClockTick", ClockTick(slot: 2, clock: 7), properties: 2, "slot: 2, clock: 7"),
            Case("TickResponse", TickResponse([7, .max]), properties: 1, "clocks: [7, 18446744073709551615]"),
            Case("ClockBound", ClockBound(slot: 2, least: 7), properties: 2, "slot: 2, least: 7"),
            Case(
                "PushReply", skipped, properties: 9,
                "partition: 9, message: \"element 1\", version: {epoch: 3, applied: 18446744073709551615}, "
                    + "durability: 1, is_skipped: true"),
            Case(
                "PushResponse", PushResponse([reply]), properties: 1,
                "replies: {partition: 9, code: NON_FINITE, message: \"element 1\", version: {epoch: 3, "
                    + "applied: 18446744073709551615}, durability: 1, staleness: 18446744073709551615, is_replay: true, "
                    + "standing: {bounds: [1, 4, 6, 6]}, clock: 11, answer: <18 2a>}"
            ),
            Case(
                "PushReply", reply, properties: 9,
                "partition: 9, code: NON_FINITE, message: \"element 1\", version: {epoch: 3, "
                    + "applied: 18446744073709551615}, durability: 1, staleness: 18446744073709551615, is_replay: true, "
                    + "standing: {bounds: [1, 4, 6, 6]}, clock: 11, answer: <18 2a>"),
            Case(
                "PullRequest",
                PullRequest(
                    [.init(partition: id, minimum: version)], keys: [keys], bound: ClockBound(slot: 2, least: 7)),
                properties: 3,
                "entries: {partition: 9, minimum: {epoch: 3, applied: 18446744073709551615}}, "
                    + "bound: {slot: 2, least: 7}, keys: <7 0 0 0 0 0 0 1>"),
            Case(
                "PullRequest.Entry", halves, properties: 6,
                "partition: 9, minimum: {epoch: 3, applied: 18446744073709551615}, round: 6, encoding: 1, "
                    + "is_committed: true, snapshot: ab"),
            Case(
                "SnapshotRequest", SnapshotRequest(.renew, 0xAB, lease: .seconds(1), partitions: [id]), properties: 4,
                "verb: RENEW, number: ab, lease_microseconds: 1000000, partitions: [9]"),
            Case(
                "SnapshotResponse",
                SnapshotResponse([.init(partition: id, version: version)], lease: .seconds(1)), properties: 2,
                "entries: {partition: 9, version: {epoch: 3, applied: 18446744073709551615}}, "
                    + "lease_microseconds: 1000000"),
            Case(
                "SnapshotResponse.Entry", SnapshotResponse.Entry(partition: id, version: version), properties: 2,
                "partition: 9, version: {epoch: 3, applied: 18446744073709551615}"),
            Case(
                "PullResponse", pull, properties: 3,
                "versions: {epoch: 3, applied: 18446744073709551615}, rounds: [7], parameters: <0 0 80 3f>"),
            Case(
                "AuditResponse",
                AuditResponse([
                    PartitionAccount(
                        partition: id, name: .init(table: "w", index: 1), version: version, counter: -2,
                        sessions: [
                            .init(
                                session: session, applied: sequences, rejected: SequenceSet(through: 1),
                                skipped: sequences)
                        ],
                        duplicatesSuppressed: .max)
                ]), properties: 1,
                "accounts: {partition: 9, table: \"w\", index: 1, version: {epoch: 3, applied: 18446744073709551615}, "
                    + "counter: -2, sessions: {session: {high: 1f, low: ffffffffffffffff}, "
                    + "applied: {bounds: [1, 4, 6, 6]}, rejected: {bounds: [1, 1]}, skipped: {bounds: [1, 4, 6, 6]}}, "
                    + "duplicates_suppressed: 18446744073709551615}"),
            Case(
                "PartitionAccount",
                PartitionAccount(
                    partition: id, name: .init(table: "w", index: 1), version: version, counter: 2, sessions: [],
                    duplicatesSuppressed: 0), properties: 6,
                "partition: 9, table: \"w\", index: 1, version: {epoch: 3, applied: 18446744073709551615}, counter: 2"),
        ] + (try declarations())
    }

    /// The third part of a step of the map.
    private static func step(partition: PartitionID, of owner: SPIFFEID) -> MapStep {
        var change = CoordinatorChange()
        (change.mapVersion, change.part, change.isContinued) = (5, 2, true)
        change.servers = [ServerRecord(name: "s", host: "h", port: 80, identity: owner, life: 1)]
        change.tables = [PartitionMap.Table(name: "w", declaration: [1], partitions: [])]
        change.lost = ["t"]
        change.partitions = [PartitionMap.Partition(id: partition, head: "s", epoch: 3, byteCount: 4)]
        return MapStep(base: 4, change: change)
    }

    /// Declarations with each initializer's fields, a rule's numbers and a schedule.
    static func declarations() throws -> [Case] {
        var rows = TableDeclaration.RowSettings()
        rows.keyLimit = 1_000
        rows.rowsPerPartition = 99
        rows.admission = 2
        rows.timeToLive = 8
        var damped = try TableDeclaration(
            name: "w", shape: [1], initializer: .zeros, key: RandomKey(seed: 1), updateRule: .sgd(learningRate: 1),
            partitioning: .count(1))
        damped.nonFinitePolicy = .skip
        damped.damping = try StalenessDamping(power: 1, threshold: 2)
        return [
            Case(
                "TableDeclaration", damped, properties: 12,
                "name: \"w\", shape: [1], dtype: 1, initializer: {kind: 1}, key: 1, update_rule: {kind: 1, "
                    + "hyperparameters: [1065353216]}, partition_count: 1, non_finite_policy: 1, "
                    + "damping: {power: 3ff0000000000000, threshold: 2}"),
            Case(
                "TableDeclaration.Damping", try StalenessDamping(power: 1, threshold: 2), properties: 2,
                "power: 3ff0000000000000, threshold: 2"),
            Case(
                "TableDeclaration",
                try TableDeclaration(
                    name: "w", shape: [2, 3], initializer: .uniform(low: -1, high: 0.5),
                    key: RandomKey(seed: 0x0102_0304_0506_0708),
                    updateRule: .sgd(learningRate: 1), schedule: LearningRateSchedule.constant.warmingUp(steps: 9),
                    partitioning: .count(2), replicas: 1), properties: 12,
                "name: \"w\", shape: [2, 3], dtype: 1, initializer: {kind: 3, low: -1.0, high: 0.5}, "
                    + "key: 102030405060708, update_rule: {kind: 1, hyperparameters: [1065353216]}, "
                    + "partition_count: 2, schedule: {kind: 1, warm_up_steps: 9}, replicas: 1"),
            Case(
                "TableDeclaration",
                try TableDeclaration(
                    name: "w", shape: [1], initializer: .constant(2), key: RandomKey(seed: 1),
                    updateRule: .adam(learningRate: 1, beta1: 0.5, beta2: 0.25, epsilon: 2),
                    schedule: .cosine(steps: 2), partitioning: .count(1),
                    consistency: .synchronous(workers: 3, backupWorkers: 1)), properties: 12,
                "name: \"w\", shape: [1], dtype: 1, initializer: {kind: 2, low: 2.0}, key: 1, update_rule: {kind: 2, "
                    + "hyperparameters: [1065353216, 1056964608, 1048576000, 1073741824]}, partition_count: 1, "
                    + "schedule: {kind: 3, numbers: [4611686018427387904, 0]}, "
                    + "consistency: {kind: 3, workers: 3, backup_workers: 1}"),
            Case(
                "TableDeclaration",
                try TableDeclaration(
                    name: "w", rowWidth: 4, rows: rows, initializer: .zeros, key: RandomKey(seed: 1),
                    updateRule: .sgd(learningRate: 1), partitionCount: 3, consistency: .boundedStaleness(steps: 2)),
                properties: 12,
                "name: \"w\", shape: [4], dtype: 1, initializer: {kind: 1}, key: 1, update_rule: {kind: 1, "
                    + "hyperparameters: [1065353216]}, partition_count: 3, rows: {key_limit: 1000, "
                    + "rows_per_partition: 99, admission: 2, time_to_live: 8}, consistency: {kind: 2, steps: 2}"),
            Case(
                "TableDeclaration.Rows", rows, properties: 4,
                "key_limit: 1000, rows_per_partition: 99, admission: 2, time_to_live: 8"),
        ]
    }

    private static func schema() throws -> PublishedSchema {
        try PublishedSchema("coordination.proto", "parameters.proto")
    }

    @Test("each message is what the published files say, and Swift reads what they write", arguments: try cases())
    func messages(_ example: Case) throws {
        var seen: Set<String> = []
        #expect(try Self.schema().text(of: example.bytes, as: example.name, seen: &seen) == example.text)
        #expect(try example.rewritten() == example.bytes)
        #expect(
            example.actualProperties == example.properties,
            "\(example.name) has changed: publish what is new, and give it a value here")
    }

    @Test("every published field is one that Swift writes")
    func allFields() throws {
        let schema = try Self.schema()
        var seen: Set<String> = []
        for example in try Self.cases() { _ = try schema.text(of: example.bytes, as: example.name, seen: &seen) }
        let published = schema.messages.flatMap { name, fields in fields.values.map { "\(name).\($0.name)" } }
        #expect(published.filter { !seen.contains($0) }.sorted() == [])
        #expect(published.count > 80)
    }

    @Test("the published methods are those that clients call, with their messages and what a retry may do")
    func methods() throws {
        func published<Kind: MethodKind, Request: MeshMessage, Response: MeshMessage>(
            _ method: MeshMethod<Kind, Request, Response>
        ) -> (String, PublishedSchema.Method) {
            /// The last part of the name in Swift; a method and its request have one scope there, and not two.
            func name(_ message: (some MeshMessage).Type) -> String {
                let last = message.messageName.split(separator: ".").last.map(String.init) ?? ""
                return switch last {
                case "OpenSession": "OpenSessionRequest"
                case "Empty": message.messageName
                default: last
                }
            }
            return (
                method.path,
                PublishedSchema.Method(
                    request: name(Request.self), response: name(Response.self),
                    streamsRequests: Kind.kind == .clientStreaming,
                    streamsResponses: Kind.kind == .serverStreaming, retry: "\(method.retry)".uppercased())
            )
        }
        let methods = [
            published(CoordinationService.openSession), published(CoordinationService.renewSession),
            published(CoordinationService.closeSession), published(CoordinationService.declareTables),
            published(CoordinationService.fetchMap), published(CoordinationService.fetchFence),
            published(CoordinationService.followMap), published(CoordinationService.declareManyTables),
            published(CoordinationService.watchMap), published(CoordinationService.reportLoss),
            published(ParameterService.push), published(ParameterService.pull), published(ParameterService.tick),
            published(ParameterService.call), published(ParameterService.query),
            published(ParameterService.snapshot), published(ParameterService.audit),
            published(ParameterService.auditInParts),
        ]
        #expect(try Self.schema().methods == Dictionary(uniqueKeysWithValues: methods))
    }

    @Test("the published codes are those of ParameterServerError")
    func codes() throws {
        let published = try #require(try Self.schema().enumerations["PushReply.Code"])
        let names = ["applied"] + ParameterServerError.Code.names
        let expected = names.map { name in
            name.map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
        }
        let numbers = expected.indices.filter { !expected[$0].isEmpty }
        #expect(published.sorted { $0.key < $1.key }.map(\.value) == numbers.map { expected[$0] })
        #expect(published.keys.sorted() == numbers.map { UInt64($0) })
    }

    @Test("the table of a coordinator's codes and statuses is right")
    func coordinationCodes() throws {
        // `//   slotTaken   FAILED_PRECONDITION   why`
        let rows = try PublishedSchema.text(of: "coordination.proto").split(separator: "\n")
            .filter { $0.hasPrefix("//   ") }.map { $0.split(separator: " ")[1...2].joined(separator: " ") }
        let codes = CoordinationError.Code.answered.map { code in
            let status = code.status.description.map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
            return "\(code) \(status)"
        }
        #expect(rows.sorted() == codes.sorted())
    }
}
