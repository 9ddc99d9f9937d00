import DigitsKit
import Foundation
import Testing

@Suite("The summary file")
struct DemonstrationSummaryTests {
    @Test("it is written where asked, with the documented names")
    func write() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("digits-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("demo/summary.json").path
        let summary = DemonstrationSummary(
            accuracy: .init(trained: 0.96, served: 0.96),
            pushes: .init(sent: 4, acknowledged: 3, applied: 3, duplicatesSuppressed: 1),
            partitions: [.init(name: "w/0", version: 3, counter: 3, ledger: 3)], workersKilled: 1,
            trainingSeconds: 20.5, serving: .init(p50Microseconds: 100, p99Microseconds: 250.5, requests: 1500),
            tlsVersion: "TLSv1.3", identities: ["spiffe://digits.example/coordinator"])
        try summary.write(to: path)
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        let root = try #require(object as? [String: Any])
        #expect(
            root.keys.sorted() == [
                "accuracy", "identities", "partitions", "pushes", "serving", "tlsVersion", "trainingSeconds",
                "workersKilled",
            ])
        #expect(
            (root["pushes"] as? [String: Int]) == [
                "sent": 4, "acknowledged": 3, "applied": 3, "duplicatesSuppressed": 1,
            ])
        let serving = try #require(root["serving"] as? [String: Double])
        #expect(serving == ["p50Microseconds": 100, "p99Microseconds": 250.5, "requests": 1500])
    }
}
