import Coordination
import DigitsKit
import Foundation
import MeshWire
import ParameterServer
import ProcessKit
import Testing

@Suite("The summary file")
struct DemonstrationSummaryTests {
    private static func object(_ data: Data) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    @Test("it is written where asked, with the documented names")
    func write() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("digits-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("demo/summary.json").path
        let summary = try JSONDecoder().decode(
            DemonstrationSummary.self,
            from: Data(
                """
                {"accuracy": {"trained": 0.96, "served": 0.95},
                 "pushes": {"sent": 4, "acknowledged": 3, "applied": 3, "duplicatesSuppressed": 1},
                 "partitions": [{"name": "w#0", "version": 3, "counter": 3, "ledger": 3}], "workersKilled": 1,
                 "serversKilled": 0,
                 "trainingSeconds": 20.5, "tlsVersion": "TLSv1.3", "identities": ["spiffe://digits.example/coordinator"],
                 "serving": {"p50Microseconds": 100, "p99Microseconds": 250.5, "requests": 1500}}
                """.utf8))
        try JSONFile.write(summary, to: path)
        let root = try Self.object(Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(
            root.keys.sorted() == [
                "accuracy", "identities", "partitions", "pushes", "serversKilled", "serving", "tlsVersion",
                "trainingSeconds",
                "workersKilled",
            ])
        #expect((root["accuracy"] as? [String: Double]) == ["trained": 0.96, "served": 0.95])
        #expect(
            (root["pushes"] as? [String: Int]) == [
                "sent": 4, "acknowledged": 3, "applied": 3, "duplicatesSuppressed": 1,
            ])
        let serving = try #require(root["serving"] as? [String: Double])
        #expect(serving == ["p50Microseconds": 100, "p99Microseconds": 250.5, "requests": 1500])
    }

    @Test("a partition's figures are those of its account, under the name of its table and index")
    func partition() throws {
        var ledger = SequenceSet()
        for sequence in [1, 2, 3, 9] as [UInt64] { ledger.insert(sequence) }
        let account = PartitionAccount(
            partition: PartitionID(rawValue: 7), name: PartitionName(table: "hidden/weight", index: 1),
            version: PartitionVersion(epoch: 1, applied: 5), counter: -6,
            sessions: [
                .init(session: SessionID(high: 1, low: 2), applied: ledger, rejected: SequenceSet(through: 2))
            ], duplicatesSuppressed: 8)
        let figures = try Self.object(try JSONEncoder().encode(DemonstrationSummary.Partition(account)))
        #expect(figures["name"] as? String == "hidden/weight#1")
        #expect(figures.filter { $0.key != "name" } as? [String: Int] == ["version": 5, "counter": -6, "ledger": 4])
    }
}
