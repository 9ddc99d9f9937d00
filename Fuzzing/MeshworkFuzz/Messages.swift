import NIOCore

@testable import Coordination
@testable import IdentityServices
@testable import MeshControl
@testable import MeshGRPC
@testable import MeshTransport
@testable import MeshWire
@testable import ModelServing
@testable import ParameterServer

/// Every message that a peer may send: the first byte chooses one, the second says where its segments begin.
enum Messages {
    private static let all: [@Sendable (Payload) -> Void] = [
        check(Hello.self), check(CallHead.self), check(ReplyHead.self), check(MethodDeclaration.self),
        check(GoAway.self), check(Deduplication.self), check(OpenSession.self), check(OpenedSession.self),
        check(RenewedSession.self), check(SessionReference.self), check(TableRequests.self), check(FenceOrder.self),
        check(FenceReport.self), check(SessionFence.self), check(SequenceSet.self), check(ServerRecord.self),
        check(ServerRegistration.self), check(ServerLife.self), check(RenewedServer.self), check(ChainRequest.self),
        check(ChainAnswer.self),
        check(PartitionMap.self), check(JoinRequest.self), check(RenewalRequest.self), check(IssuedIdentity.self),
        check(PullRequest.self), check(PullResponse.self), check(PushRequest.self), check(PushResponse.self),
        check(AuditResponse.self), check(PartitionAccount.self), check(PartitionVersion.self),
        check(TableDeclaration.self), check(PredictRequest.self), check(PredictResponse.self),
        check(Google_Rpc_Status.self), check(Grpc_Health_V1_HealthCheckRequest.self),
        check(Grpc_Reflection_V1_ServerReflectionRequest.self), check(TrustRequest.self), check(TrustUpdate.self),
        check(CheckpointRequest.self), check(SignedCheckpoint.self), check(EntryRequest.self), check(LogEntry.self),
        check(SubscriberState.self), check(ConfigurationPush.self), check(HeldSession.self), check(OutcomeRecord.self),
        check(PartitionRecord.self), check(PartitionSnapshot.self), check(ChainMessage.self), check(ChainReply.self),
        check(CoordinatorChange.self), check(SessionTable.Record.self), check(AnsweredRequest.self),
        // New ones at the end: inputs that are kept choose by number.
        check(SnapshotRequest.self), check(SnapshotResponse.self), check(RowSnapshot.Head.self),
        check(TableDeclaration.RowSettings.self), check(CheckpointOrder.self), check(CheckpointAnswer.self),
        check(RestoreOrder.self), check(RestoreAnswer.self), check(RoundArrival.self), check(RoundQuery.self),
        check(RoundState.self), check(RoundCollection.self), check(RollBackRequest.self), check(BegunEpoch.self),
        check(StalenessDamping.self), check(ClockTick.self), check(ClockBound.self), check(SlotClocks.self),
        check(TickRequest.self), check(TickResponse.self), check(PartitionOrigin.self), check(RoundLeader.self),
        check(RestoredPartition.self), check(CallRequest.self), check(CallResponse.self), check(QueryRequest.self),
        check(QueryResponse.self), check(RecordedCall.Head.self), check(FunctionID.self),
    ]

    static func decode(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else { return }
        let split = min(bytes.count, 2 + Int(bytes[1]) * 4)
        var segments: [SegmentField] = []
        // Odd places have none; others one in each of the first fields.
        if bytes[1] % 2 == 0 {
            let segment = Array(bytes[split...])
            segments = (1...4).map { SegmentField(number: $0, segment: Segment(copying: segment)) }
        }
        let payload = Payload(head: ByteBuffer(bytes: bytes[2..<split]), segments: segments)
        all[Int(bytes[0]) % all.count](payload)
    }

    /// A few fields of each type for each message, with segments and without.
    static func seeds() -> [[UInt8]] {
        let fields: [UInt8] = [
            0x08, 0x01, 0x10, 0x02, 0x1A, 0x03, 0x61, 0x2E, 0x62, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2A, 0x04, 0x08, 0x01,
            0x12, 0x00, 0x32, 0x02, 0x10, 0x05, 0x38, 0x80, 0x01,
        ]
        return all.indices.flatMap { index in
            [[UInt8(index), 201] + fields, [UInt8(index), 4] + fields, [UInt8(index), 1]]
        }
    }

    /// What can be read can be written, and reads back the same.
    private static func check<Message: MeshMessage>(_ type: Message.Type) -> @Sendable (Payload) -> Void {
        { payload in
            guard let message = try? payload.decode(as: Message.self) else { return }
            let written = Payload(message)
            guard let again = try? written.decode(as: Message.self) else {
                fatalError("\(Message.messageName) does not read what it wrote")
            }
            precondition(Payload(again).head == written.head, "\(Message.messageName) changed on the way")
        }
    }
}
