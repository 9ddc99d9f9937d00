import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Telemetry
import Tensor
import Testing

@testable import ParameterServer

@Suite struct PushCreditTests {
    @Test("what finds no room is refused, a call above the limit is taken alone, and the gauge shows both figures")
    func limit() {
        let metrics = MetricsRegistry()
        let credit = PushCredit(limit: 100, metrics)
        let gauge = metrics.gauge("parameter_push_bytes", help: "", labels: "of")
        #expect(credit.take(60) && credit.take(40))
        #expect(!credit.take(1))
        #expect(gauge.series("unanswered").value == 100 && gauge.series("limit").value == 100)
        credit.giveBack(60)
        #expect(!credit.take(61))
        credit.giveBack(40)
        #expect(credit.take(1_000))
        #expect(!credit.take(1))
        credit.giveBack(1_000)
        #expect(gauge.series("unanswered").value == 0)
    }

    @Test("a server that has no room for a push says busy, and the push is applied once when there is some")
    func backPressure() async throws {
        try await SimulatedRuntime.run(seed: 2) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0, attemptTimeout: .seconds(60))
            var configuration = ParameterServerConfiguration()
            configuration.unansweredPushBytes = 20
            let (server, address) = try await cluster.listeningServer(0, configuration: configuration)
            try await server.register(at: address)
            func gradients() throws -> NamedTensors { try NamedTensors([("weight", .full([4], Float(1)))]) }
            let first = try await cluster.client(cluster.mesh("/worker/0"))
            let second = try await cluster.client(cluster.mesh("/worker/1"), slot: 1)
            for client in [first, second] { try await client.declare([Example.table()]) }
            // Somebody is at the partition: what is pushed waits.
            _ = try await first.pull()
            let partition = server.hosted.all[0]
            #expect(partition.turns.tryTake())
            async let one = first.push(gradients())
            try await runtime.sleep(for: .milliseconds(20))
            let bytes = cluster.metrics.gauge("parameter_push_bytes", help: "", labels: "of").series("unanswered")
            #expect(bytes.value == 16)
            async let two = second.push(gradients())
            try await runtime.sleep(for: .milliseconds(200))
            #expect(bytes.value == 16)
            let refusals = cluster.metrics.counter("parameter_refusals_total", help: "", labels: "code").series("busy")
            #expect(refusals.value > 0)
            #expect(cluster.log.all("push refused").last?.metadata["error"]?.contains("20 bytes of pushes") == true)
            partition.turns.pass()
            let reports = try await [one, two]
            #expect(reports.allSatisfy { $0.failed.isEmpty }, "\(reports.flatMap(\.failed))")
            #expect(try await cluster.applied() == [2])
            #expect(bytes.value == 0)
            for client in [first, second] { client.close() }
        }
    }
}
